//! The engine's settings, by how a table is used. Measured with [`crate::bench`].

use crate::table::{Access, TableSpec};
use fjall::{
    CompressionType, Database, DatabaseBuilder, KeyspaceCreateOptions,
    compaction::Leveled,
    config::{CompressionPolicy, PartitioningPolicy, PinningPolicy},
};
use std::{path::Path, sync::Arc};

const MIB: u64 = 1024 * 1024;

/// How much memory the engine may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Block cache for reads, in bytes.
    pub cache_bytes: u64,
    /// Write buffer of a table with [`Access::Random`], in bytes; up to four may wait to be
    /// written out. Other tables have a part of it.
    pub write_buffer_bytes: u64,
    /// Threads that write out buffers and merge files. With more than one the engine keeps one
    /// of them spinning while another merges: a waste on few cores. With only one, buffers wait
    /// for a long merge to end.
    pub background_threads: usize,
}

impl Default for Memory {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Memory {
            cache_bytes: 256 * MIB,
            write_buffer_bytes: 64 * MIB,
            background_threads: if cores > 2 { 2 } else { 1 },
        }
    }
}

/// Journals may grow to this before idle tables are written out to free the oldest. It bounds
/// what is replayed at open: a quarter of a gigabyte takes about a second.
const JOURNALS_BYTES_MAX: u64 = 256 * MIB;

/// Tables merged into the next level at once. Eight instead of four halves the rewriting of a
/// randomly updated table; reads pay with up to eight filter probes.
const RANDOM_RUNS: u8 = 8;

pub(super) fn database(data: &Path, memory: &Memory) -> DatabaseBuilder<Database> {
    Database::builder(data)
        .cache_size(memory.cache_bytes)
        .max_journaling_size(JOURNALS_BYTES_MAX)
        .worker_threads(memory.background_threads.max(1))
}

/// When a table's write buffer is written out.
pub(super) fn buffer_bytes(table: &TableSpec, memory: &Memory) -> u64 {
    match table.access {
        Access::Random => memory.write_buffer_bytes,
        Access::Append => memory.write_buffer_bytes / 2,
        // Few bytes: a large buffer would fill so slowly that it held back the journals' end.
        Access::Small => (memory.write_buffer_bytes / 16).max(MIB),
    }
}

pub(super) fn keyspace(table: &TableSpec) -> KeyspaceCreateOptions {
    // The engine must never begin to write a buffer out by itself: see `write_out`.
    let options = KeyspaceCreateOptions::default().max_memtable_size(u64::MAX);
    let lz4 = CompressionPolicy::all(CompressionType::Lz4);
    // Fresh files are read and merged soon: compressing them costs more than it saves.
    let lz4_when_merged = CompressionPolicy::new([CompressionType::None, CompressionType::Lz4]);
    match table.access {
        Access::Random => options
            .expect_point_read_hits(true)
            .data_block_compression_policy(lz4_when_merged)
            .index_block_partitioning_policy(PartitioningPolicy::all(false))
            .filter_block_partitioning_policy(PartitioningPolicy::all(false))
            .index_block_pinning_policy(PinningPolicy::all(true))
            .filter_block_pinning_policy(PinningPolicy::all(true))
            .compaction_strategy(Arc::new(Leveled::default().with_l0_threshold(RANDOM_RUNS))),
        Access::Append => options.expect_point_read_hits(true).data_block_compression_policy(lz4),
        Access::Small => options,
    }
}
