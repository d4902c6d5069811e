//! Writes the synthetic set of the online-retail example, in the given folder or in its place.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;

use cadencia_tests::online_retail::generator;
use flate2::{Compression, GzBuilder};

fn main() -> anyhow::Result<()> {
    let place = || {
        let tests = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        tests.join("../orchestrator/examples/online-retail")
    };
    let folder = std::env::args_os().nth(1).map_or_else(place, PathBuf::from);
    let set = generator::generate(generator::SEED);
    for (name, text) in [("customers", &set.customers), ("events", &set.events)] {
        let path = folder.join(format!("{name}.ndjson.gz"));
        // No time stamp in the header: the same set gives the same file.
        let mut file = GzBuilder::new().mtime(0).write(File::create(&path)?, Compression::best());
        file.write_all(text.as_bytes())?;
        file.finish()?;
        println!("{}: {} lines", path.display(), text.lines().count());
    }
    Ok(())
}
