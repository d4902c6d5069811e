//! The actors of one process, inside the test: what a whole server does only when its queues are
//! full, its store is damaged or thousands of commits have passed.

mod damage;
mod http;
mod process;
mod queues;
mod replay;
mod resets;
mod revisions;
mod served;
mod snapshots;
mod timeline;
mod walks;
