//! The block that the compiler puts around the body of every loop: counts the turns of a
//! rendering and makes missing fields of the loop's item read as nothing.

use std::io::Write;

use liquid_core::error::Error;
use liquid_core::{
    BlockReflection, Language, ParseBlock, Renderable, Runtime, TagBlock, TagTokenIter, Template,
};

use super::LOOP_TURNS_MAX;
use super::scope::Lenient;

/// Name of the block. Authors cannot write it: it is not among the tags they may use.
pub(super) const START: &str = "_turn";
/// Its end tag.
pub(super) const END: &str = "end_turn";

/// What a rendering that went over the limit says.
pub(super) const TOO_MANY_TURNS: &str = "the loops of the template take too many turns";

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TurnBlock;

impl BlockReflection for TurnBlock {
    fn start_tag(&self) -> &'static str {
        START
    }

    fn end_tag(&self) -> &'static str {
        END
    }

    fn description(&self) -> &'static str {
        "one turn of a loop"
    }
}

impl ParseBlock for TurnBlock {
    fn parse(
        &self,
        mut arguments: TagTokenIter<'_>,
        mut block: TagBlock<'_, '_>,
        language: &Language,
    ) -> liquid_core::Result<Box<dyn Renderable>> {
        arguments.expect_nothing()?;
        let body = Template::new(block.parse_all(language)?);
        block.assert_empty();
        Ok(Box::new(Turn { body }))
    }

    fn reflection(&self) -> &dyn BlockReflection {
        self
    }
}

#[derive(Debug)]
struct Turn {
    body: Template,
}

/// Turns taken so far in one rendering.
#[derive(Debug, Default)]
struct Turns(usize);

impl Renderable for Turn {
    fn render_to(&self, writer: &mut dyn Write, runtime: &dyn Runtime) -> liquid_core::Result<()> {
        {
            let mut turns = runtime.registers().get_mut::<Turns>();
            turns.0 += 1;
            if turns.0 > LOOP_TURNS_MAX {
                return Err(Error::with_msg(TOO_MANY_TURNS));
            }
        }
        self.body.render_to(writer, &Lenient(runtime))
    }
}
