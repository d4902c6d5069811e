//! `{% capture name %}...{% endcapture %}`, bounded: a template that captures a value doubled in a
//! loop must not fill the memory.

use std::io::Write;

use liquid_core::error::Error;
use liquid_core::model::{KString, Value};
use liquid_core::{
    BlockReflection, Language, ParseBlock, Renderable, Runtime, TagBlock, TagTokenIter, Template,
};

use super::VALUE_BYTES_MAX;
use super::bounded::Bounded;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CaptureBlock;

impl BlockReflection for CaptureBlock {
    fn start_tag(&self) -> &'static str {
        "capture"
    }

    fn end_tag(&self) -> &'static str {
        "endcapture"
    }

    fn description(&self) -> &'static str {
        "keeps what its body renders in a variable"
    }
}

impl ParseBlock for CaptureBlock {
    fn parse(
        &self,
        mut arguments: TagTokenIter<'_>,
        mut block: TagBlock<'_, '_>,
        language: &Language,
    ) -> liquid_core::Result<Box<dyn Renderable>> {
        let name = arguments
            .expect_next("Identifier expected")?
            .expect_identifier()
            .into_result()?
            .to_owned()
            .into();
        arguments.expect_nothing()?;
        let body = Template::new(block.parse_all(language)?);
        block.assert_empty();
        Ok(Box::new(Capture { name, body }))
    }

    fn reflection(&self) -> &dyn BlockReflection {
        self
    }
}

#[derive(Debug)]
struct Capture {
    name: KString,
    body: Template,
}

impl Renderable for Capture {
    fn render_to(&self, _writer: &mut dyn Write, runtime: &dyn Runtime) -> liquid_core::Result<()> {
        let mut captured = Bounded::new(VALUE_BYTES_MAX, 0);
        self.body.render_to(&mut captured, runtime)?;
        let text = String::from_utf8(captured.into_bytes())
            .map_err(|_| Error::with_msg("the captured text is not UTF-8"))?;
        runtime.set_global(self.name.clone(), Value::scalar(text));
        Ok(())
    }
}
