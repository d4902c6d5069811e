//! A tree as a serde deserializer whose errors are data: what went wrong, and at which path.
//!
//! A poisoned node answers every request with some value, so that one mistake does not hide the
//! next (see `structure`).

use domain::problem::Segment;
use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};

use super::mismatch::{Kind, Mismatch, wrong};
use super::{Content, Entry, Node, Quote};

macro_rules! poisoned_or_any {
    ($($method:ident => $visit:ident($value:expr), $expected:literal, $content:pat,)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
            match &self.content {
                Content::Poison => visitor.$visit($value),
                $content => self.deserialize_any(visitor),
                _ => Err(wrong(self, $expected)),
            }
        })*
    };
}

impl<'de> de::Deserializer<'de> for &'de Node {
    type Error = Mismatch;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match &self.content {
            Content::Null | Content::Poison => visitor.visit_unit(),
            Content::Bool(bool) => visitor.visit_bool(*bool),
            Content::Int(int) => match u64::try_from(*int) {
                Ok(int) => visitor.visit_u64(int),
                Err(_) => visitor.visit_i64(*int),
            },
            Content::Float(float) => visitor.visit_f64(*float),
            Content::Text(text) => visitor.visit_borrowed_str(text),
            Content::List(items) => visitor.visit_seq(Items { items: items.iter(), at: 0 }),
            Content::Map(entries) => visitor.visit_map(Fields::new(entries)),
        }
    }

    poisoned_or_any! {
        deserialize_bool => visit_bool(false), "a boolean", Content::Bool(_),
        deserialize_i8 => visit_i8(0), "i8", Content::Int(_),
        deserialize_i16 => visit_i16(0), "i16", Content::Int(_),
        deserialize_i32 => visit_i32(0), "i32", Content::Int(_),
        deserialize_i64 => visit_i64(0), "i64", Content::Int(_),
        deserialize_u8 => visit_u8(0), "u8", Content::Int(_),
        deserialize_u16 => visit_u16(0), "u16", Content::Int(_),
        deserialize_u32 => visit_u32(0), "u32", Content::Int(_),
        deserialize_u64 => visit_u64(0), "u64", Content::Int(_),
        deserialize_f32 => visit_f32(0.0), "f32", Content::Int(_) | Content::Float(_),
        deserialize_f64 => visit_f64(0.0), "f64", Content::Int(_) | Content::Float(_),
        deserialize_str => visit_str(""), "a string", Content::Text(_),
        deserialize_string => visit_str(""), "a string", Content::Text(_),
        deserialize_seq => visit_seq(Items { items: [].iter(), at: 0 }), "a sequence",
            Content::List(_),
        deserialize_map => visit_map(Fields::new(&[])), "a map", Content::Map(_),
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match &self.content {
            Content::Poison => visitor.visit_none(),
            // A key without a value would silently drop a condition or a limit.
            Content::Null => Err(wrong(self, "a value")),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        match &self.content {
            Content::Poison => visitor.visit_map(PoisonedFields { fields: fields.iter() }),
            Content::Map(entries) => visitor.visit_map(Fields::new(entries)),
            _ => {
                let keys: Vec<_> = fields.iter().map(|field| format!("`{field}`")).collect();
                let expected = match keys.as_slice() {
                    [] => "an empty mapping `{}`".to_owned(),
                    keys => format!("a mapping with {}", keys.join(", ")),
                };
                Err(wrong(self, &expected))
            }
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        match &self.content {
            Content::Poison => visitor.visit_enum(Choice {
                word: variants.first().copied().unwrap_or_default(),
                value: Some(&POISON),
                key: false,
            }),
            Content::Text(word) => visitor.visit_enum(Choice { word, value: None, key: false }),
            Content::Map(entries) => match entries.as_slice() {
                [entry] => visitor.visit_enum(Choice {
                    word: &entry.key,
                    value: Some(&entry.value),
                    key: true,
                }),
                entries => {
                    let keys = entries.iter().map(|entry| entry.key.clone()).collect();
                    Err(Mismatch::new(Kind::NotOneKey { keys, expected: variants }))
                }
            },
            _ => {
                let words: Vec<_> = variants.iter().map(|word| format!("`{word}`")).collect();
                Err(wrong(self, &format!("one of {}", words.join(", "))))
            }
        }
    }

    serde::forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

static POISON: Node = Node { content: Content::Poison, span: 0..0, quote: Quote::None };

struct Items<'de> {
    items: std::slice::Iter<'de, Node>,
    at: usize,
}

impl<'de> de::SeqAccess<'de> for Items<'de> {
    type Error = Mismatch;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Mismatch> {
        let Some(item) = self.items.next() else { return Ok(None) };
        let at = self.at;
        self.at += 1;
        seed.deserialize(item).map(Some).map_err(|error| error.below(Segment::Index(at)))
    }
}

struct Fields<'de> {
    entries: std::slice::Iter<'de, Entry>,
    value: Option<&'de Entry>,
}

impl<'de> Fields<'de> {
    fn new(entries: &'de [Entry]) -> Self {
        Self { entries: entries.iter(), value: None }
    }
}

impl<'de> de::MapAccess<'de> for Fields<'de> {
    type Error = Mismatch;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Mismatch> {
        let Some(entry) = self.entries.next() else { return Ok(None) };
        self.value = Some(entry);
        let key: de::value::BorrowedStrDeserializer<'de, Mismatch> =
            de::value::BorrowedStrDeserializer::new(&entry.key);
        seed.deserialize(key)
            .map(Some)
            .map_err(|error| error.below(Segment::Key(entry.key.clone())))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Mismatch> {
        let Some(entry) = self.value.take() else {
            return Err(de::Error::custom("a value was asked for before its key"));
        };
        seed.deserialize(&entry.value).map_err(|error| error.below(Segment::Key(entry.key.clone())))
    }
}

/// Every field of a struct, poisoned.
struct PoisonedFields {
    fields: std::slice::Iter<'static, &'static str>,
}

impl<'de> de::MapAccess<'de> for PoisonedFields {
    type Error = Mismatch;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Mismatch> {
        let Some(field) = self.fields.next() else { return Ok(None) };
        seed.deserialize((*field).into_deserializer()).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Mismatch> {
        seed.deserialize(&POISON)
    }
}

/// One of several, by a word or by the only key of a mapping.
struct Choice<'de> {
    word: &'de str,
    value: Option<&'de Node>,
    /// Whether the word is a key, which then is part of the path.
    key: bool,
}

impl Choice<'_> {
    fn below(&self, error: Mismatch) -> Mismatch {
        if self.key { error.below(Segment::Key(self.word.to_owned())) } else { error }
    }

    fn needs_value(&self) -> Mismatch {
        let found = format!("the word `{}` alone", self.word);
        let expected = format!("`{}` with its settings", self.word);
        Mismatch::new(Kind::WrongType { found, expected })
    }
}

impl<'de> de::EnumAccess<'de> for Choice<'de> {
    type Error = Mismatch;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Mismatch> {
        let word: de::value::BorrowedStrDeserializer<'de, Mismatch> =
            de::value::BorrowedStrDeserializer::new(self.word);
        match seed.deserialize(word) {
            Ok(variant) => Ok((variant, self)),
            Err(mut error) => {
                if let Kind::UnknownChoice { key, .. } = &mut error.kind {
                    *key = self.key;
                }
                Err(self.below(error))
            }
        }
    }
}

impl<'de> de::VariantAccess<'de> for Choice<'de> {
    type Error = Mismatch;

    fn unit_variant(self) -> Result<(), Mismatch> {
        match self.value {
            None => Ok(()),
            Some(node) if matches!(node.content, Content::Null | Content::Poison) => Ok(()),
            Some(node) => Err(self.below(wrong(node, "nothing after this word"))),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Mismatch> {
        let Some(node) = self.value else { return Err(self.needs_value()) };
        seed.deserialize(node).map_err(|error| self.below(error))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Mismatch> {
        let Some(node) = self.value else { return Err(self.needs_value()) };
        de::Deserializer::deserialize_seq(node, visitor).map_err(|error| self.below(error))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        let Some(node) = self.value else { return Err(self.needs_value()) };
        de::Deserializer::deserialize_struct(node, "", fields, visitor)
            .map_err(|error| self.below(error))
    }
}
