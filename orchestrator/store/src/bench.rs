//! Measurements of the store alone: what an event costs in rows and bytes, and how fast it goes.
