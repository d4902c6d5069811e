//! The real server as a process: told what to do by the command line, sending to a real mail
//! server, killed without warning.

mod alias;
mod control;
mod load;
mod mail;
mod metrics;
mod process;
mod replay;
mod shop;
