//! Measures the write budget of the embedded store: `write_budget DIRECTORY RECORDS SECONDS
//! [no-loads] [skewed] [sequence-first] [cache=MIB] [buffer=MIB] [threads=N] [background=N]`.

#![expect(clippy::disallowed_methods, reason = "a measuring program has its own clock")]

use cadencia_store::bench::{Budget, write_budget};

use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Duration, time::Instant};

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let (Some(directory), Some(records), Some(seconds)) = (
        args.next().map(PathBuf::from),
        args.next().and_then(|text| text.parse().ok()),
        args.next().and_then(|text| text.parse().ok()),
    ) else {
        eprintln!("usage: write_budget DIRECTORY RECORDS SECONDS [options]");
        return ExitCode::from(2);
    };
    let began = Instant::now();
    let clock = Arc::new(move || began.elapsed());
    let mut budget = Budget::new(directory, records, Duration::from_secs(seconds), clock);
    for option in args {
        let (name, value) = option.split_once('=').unwrap_or((&option, "1"));
        let number: u64 = value.parse().unwrap_or(1);
        match name {
            "no-loads" => budget.loads = false,
            "skewed" => budget.hot_percent = 80,
            "sequence-first" => budget.sequence_first = true,
            "cache" => budget.memory.cache_bytes = number << 20,
            "buffer" => budget.memory.write_buffer_bytes = number << 20,
            "background" => budget.memory.background_threads = number as usize,
            "threads" => budget.threads = number as u16,
            "in-flight" => budget.in_flight = number as usize,
            _ => eprintln!("unknown option {option}"),
        }
    }
    match write_budget(&budget) {
        Ok(report) => {
            println!("{report:#.1?}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
