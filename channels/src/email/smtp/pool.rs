//! Idle connections. The newest is used first, so that those beyond the need run dry.

use std::sync::{Mutex, PoisonError};

use domain::time::Instant;

use super::connection::Connection;

#[derive(Debug)]
pub(super) struct Pool {
    messages_per_connection_max: u32,
    idle_ms_max: i64,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    pub(super) fn new(messages_per_connection_max: u32, idle_ms_max: i64) -> Self {
        Self { messages_per_connection_max, idle_ms_max, idle: Mutex::default() }
    }

    /// An idle connection that still looks open.
    pub(super) fn take(&self, now: Instant) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(mut connection) = idle.pop() {
            if now.ms_since(connection.idle_since) > self.idle_ms_max {
                connection.quit();
            } else if connection.looks_open() {
                return Some(connection);
            }
        }
        None
    }

    /// Takes a connection back after a clean exchange; anything else is dropped here.
    pub(super) fn put(&self, mut connection: Connection, now: Instant) {
        if !connection.is_clean() {
            return;
        }
        if connection.messages >= self.messages_per_connection_max {
            connection.quit();
            return;
        }
        connection.idle_since = now;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}
