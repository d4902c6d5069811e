//! Every text of the console, in every language that it speaks, by topic. `{}` stands for a value.
//! Stable words stand beside it, in `words`, errors in the table of errors.

mod access;
mod customers;
mod frame;
mod journeys;
mod system;

pub(super) use access::*;
pub(super) use customers::*;
pub(super) use frame::*;
pub(super) use journeys::*;
pub(super) use system::*;

/// A language of the console.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Language {
    #[default]
    English,
    Spanish,
}

impl Language {
    pub(super) const ALL: [Self; 2] = [Self::English, Self::Spanish];

    /// Its tag (BCP 47).
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Spanish => "es",
        }
    }

    /// What it calls itself.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Spanish => "Español",
        }
    }

    pub(super) fn of(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.word() == tag)
    }
}

/// A text in every language.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text {
    en: &'static str,
    es: &'static str,
}

impl Text {
    pub(super) fn of(self, language: Language) -> &'static str {
        match language {
            Language::English => self.en,
            Language::Spanish => self.es,
        }
    }
}

/// Declares texts by their names, each in all languages.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident = $en:literal, $es:literal;)*) => {
        use super::Text;

        $(pub(in crate::web::console) const $name: Text = Text { en: $en, es: $es };)*
        /// All of the above.
        pub(super) const EVERY: &[Text] = &[$($name),*];
    };
}
use texts;

/// What themes are called, in their order.
pub(super) const THEMES: [Text; 3] = [THEME_SYSTEM, THEME_LIGHT, THEME_DARK];

/// Every text, in English and in Spanish.
pub(super) fn pairs() -> impl Iterator<Item = (&'static str, &'static str)> {
    let every = [access::EVERY, customers::EVERY, frame::EVERY, journeys::EVERY, system::EVERY];
    every.into_iter().flatten().map(|text| (text.en, text.es))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_there_in_every_language_with_the_same_values() {
        for (en, es) in pairs() {
            assert!(!en.trim().is_empty() && !es.trim().is_empty(), "{en:?} {es:?}");
            assert_eq!(en.matches("{}").count(), es.matches("{}").count(), "{en:?}");
        }
    }
}
