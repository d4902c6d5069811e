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
    /// written out. Taken at creation: an existing store keeps its own.
    pub write_buffer_bytes: u64,
    /// Threads that write out buffers and merge files. With more than one the engine keeps one
    /// of them spinning while another merges, so that one is the better choice on few cores.
    pub background_threads: usize,
}

impl Default for Memory {
    fn default() -> Self {
        Memory { cache_bytes: 256 * MIB, write_buffer_bytes: 64 * MIB, background_threads: 1 }
    }
}

/// Journals may grow to this before idle tables are written out to free the oldest.
const JOURNALS_BYTES_MAX: u64 = 512 * MIB;

/// Tables merged into the next level at once. Eight instead of four halves the rewriting of a
/// randomly updated table; reads pay with up to eight filter probes.
const RANDOM_RUNS: u8 = 8;

pub(super) fn database(data: &Path, memory: &Memory) -> DatabaseBuilder<Database> {
    Database::builder(data)
        .cache_size(memory.cache_bytes)
        .max_journaling_size(JOURNALS_BYTES_MAX)
        .worker_threads(memory.background_threads.max(1))
}

pub(super) fn keyspace(table: &TableSpec, memory: &Memory) -> KeyspaceCreateOptions {
    let options = KeyspaceCreateOptions::default();
    let lz4 = CompressionPolicy::all(CompressionType::Lz4);
    match table.access {
        Access::Random => options
            .max_memtable_size(memory.write_buffer_bytes)
            .expect_point_read_hits(true)
            .data_block_compression_policy(lz4)
            .index_block_partitioning_policy(PartitioningPolicy::all(false))
            .filter_block_partitioning_policy(PartitioningPolicy::all(false))
            .index_block_pinning_policy(PinningPolicy::all(true))
            .filter_block_pinning_policy(PinningPolicy::all(true))
            .compaction_strategy(Arc::new(Leveled::default().with_l0_threshold(RANDOM_RUNS))),
        Access::Append => options
            .max_memtable_size(memory.write_buffer_bytes / 2)
            .expect_point_read_hits(true)
            .data_block_compression_policy(lz4),
        Access::Small => options.max_memtable_size((memory.write_buffer_bytes / 4).max(MIB)),
    }
}
