//! The store's kill harness: `store-kill run DIRECTORY CYCLES SEED` kills a writing child so many
//! times and checks the store after it; `store-kill child DIRECTORY SEED` is that child;
//! `store-kill hold DIRECTORY` opens the store, says so, and keeps it until its input ends.

use anyhow::{Context, Result, bail};
use cadencia_tests::store_contract::kill;
use std::path::Path;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["run", directory, cycles, seed] => {
            run(Path::new(directory), cycles.parse()?, seed.parse()?)
        }
        ["child", directory, seed] => kill::write(Path::new(directory), seed.parse()?),
        ["hold", directory] => kill::hold(Path::new(directory)),
        _ => bail!("usage: store-kill run DIRECTORY CYCLES SEED | child … | hold …"),
    }
}

fn run(directory: &Path, cycles: u64, seed: u64) -> Result<()> {
    let plan = kill::Plan {
        program: std::env::current_exe().context("cannot find this program")?,
        directory: directory.to_owned(),
        cycles,
        seed,
    };
    let outcome = kill::run(&plan, |cycle, outcome| {
        if (cycle + 1) % 20 == 0 {
            eprintln!("{} kills, {} transactions", outcome.kills, outcome.transactions);
        }
    })?;
    println!("{outcome:#?}");
    Ok(())
}
