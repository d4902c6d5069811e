//! The real server as a process: told what to do by the command line, sending to a real mail
//! server, killed without warning.

mod access;
mod alias;
mod audiences;
mod backup;
mod channels;
mod control;
mod doctor;
mod load;
mod mail;
mod metrics;
pub(crate) mod process;
mod quickstart;
mod replay;
mod reports;
mod send_test;
mod sends;
mod shop;
mod sizes;

/// What small campaigns of these tests begin with: no rule, a channel that keeps its messages.
pub(crate) const BASE: &str = "apiVersion: cadencia/v1
kind: ContactPolicy
metadata: {name: open}
spec: {fallback_zone: UTC, rules: []}
---
apiVersion: cadencia/v1
kind: Channel
metadata: {name: email}
spec: {capture: {keep: 100}}
---
apiVersion: cadencia/v1
kind: Template
metadata: {name: hello}
spec: {subject: Hello, text: Hello}
";
