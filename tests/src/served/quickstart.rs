//! The first page of the guides is true: its files are written and its commands run as they stand
//! there, and what it says that they print is printed.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::environment;

/// The port that the page uses; the test takes a free one.
const PORT: &str = "8080";
/// Far longer than it takes: a server that does not start would be waited for without end.
const SECONDS_MAX: &str = "120";

enum Block {
    File(PathBuf, String),
    Shell(String),
    Printed(String),
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in page.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => open = Some((info.to_owned(), String::new())),
            (None, None) => {}
            (Some((_, text)), None) => {
                text.push_str(line);
                text.push('\n');
            }
            (Some(_), Some(_)) => {
                let (info, text) = open.take().expect("a block is open");
                blocks.push(match info.split_once(" file=") {
                    Some((_, file)) => Block::File(file.into(), text),
                    None if info == "sh" => Block::Shell(text),
                    None if info == "text" => Block::Printed(text),
                    None => panic!("`{info}` is no kind of block of this page"),
                });
            }
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// What stands in front of the output of the commands before the n-th block of what they print.
fn mark(number: usize) -> String {
    format!("== printed {number} ==")
}

#[test]
fn the_quickstart_does_what_it_says() {
    let page =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../orchestrator/docs/guides/quickstart.md");
    let page = fs::read_to_string(page).expect("the page");
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port().to_string();
    // The variables of the tests are no settings of a server.
    let mut script = format!(
        "set -eu\ntrap 'kill $(jobs -p) 2> /dev/null || true' EXIT\nexport PATH={}:$PATH\n\
         for name in ${{!CADENCIA_@}}; do unset $name; done\n",
        environment::binary().parent().expect("a folder").display()
    );
    let mut expected = Vec::new();
    for block in blocks(&page) {
        match block {
            Block::File(name, text) => {
                let path = folder.path().join(name);
                fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
                fs::write(path, text).expect("a file");
            }
            Block::Shell(text) => script.push_str(&text.replace(PORT, &port)),
            Block::Printed(text) => {
                script.push_str(&format!("echo; echo '{}'\n", mark(expected.len())));
                expected.push(text);
            }
        }
    }
    let output = Command::new("timeout")
        .args(["--kill-after", "5", SECONDS_MAX, "bash", "-c", &script])
        .current_dir(folder.path())
        .output()
        .expect("bash runs");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{printed}\n{errors}");
    let mut rest = printed.as_str();
    for (number, text) in expected.iter().enumerate() {
        let (found, after) = rest.split_once(&mark(number)).expect("the mark");
        for line in text.lines() {
            assert!(found.contains(line.trim()), "`{line}` is not in:\n{found}\n{errors}");
        }
        rest = after;
    }
    assert!(expected.len() >= 6, "only {} blocks", expected.len());
}
