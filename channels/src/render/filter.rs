//! The shape of our filters that take one argument: the library's derives want three types for
//! each, which differ in their names only.

/// Declares a filter: its plugin, a module for the types that the derives need, its name and
/// description, the parameters, and what it makes of its input and the evaluated parameters.
macro_rules! filter_of_one {
    ($plugin:ident, $module:ident, $name:literal, $about:literal, $parameters:ident,
     |$input:ident, $args:ident| $made:expr) => {
        // The derives mix the places of names: all of them must be made by this macro.
        mod $module {
            use super::$parameters as Parameters;
            use super::*;
            use liquid_core::{
                Display_filter, Filter, FilterReflection, FromFilterParameters, ParseFilter,
                Runtime,
            };

            #[derive(Clone, ParseFilter, FilterReflection)]
            #[filter(name = $name, description = $about, parameters(Parameters), parsed(Applied))]
            pub(in super::super) struct $plugin;

            #[derive(Debug, FromFilterParameters, Display_filter)]
            #[name = $name]
            struct Applied {
                #[parameters]
                args: Parameters,
            }

            impl Filter for Applied {
                fn evaluate(&self, $input: &dyn ValueView, runtime: &dyn Runtime) -> Result<Value> {
                    let $args = self.args.evaluate(runtime)?;
                    $made
                }
            }
        }
        pub(super) use $module::$plugin;
    };
}

pub(super) use filter_of_one;
