//! The campaign of the demo: the example `shop`, compiled into the program.

use std::path::Path;

/// Its files, by the name that they have in the campaign directory.
pub const FILES: [(&str, &str); 6] = [
    ("shop.yaml", include_str!("../../examples/shop/shop.yaml")),
    ("welcome.yaml", include_str!("../../examples/shop/welcome.yaml")),
    ("cart-rescue.yaml", include_str!("../../examples/shop/cart-rescue.yaml")),
    ("post-purchase.yaml", include_str!("../../examples/shop/post-purchase.yaml")),
    ("win-back.yaml", include_str!("../../examples/shop/win-back.yaml")),
    ("mail/welcome.html", include_str!("../../examples/shop/mail/welcome.html")),
];

/// Writes the campaign into a directory: documents may refer to files beside them.
///
/// # Errors
/// Where a directory or file cannot be written.
pub fn write(directory: &Path) -> std::io::Result<()> {
    for (name, text) in FILES {
        let path = directory.join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::PathBuf;

    use super::*;

    fn below(directory: &Path, root: &Path, names: &mut BTreeSet<PathBuf>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                below(&path, root, names);
            } else {
                names.insert(path.strip_prefix(root).unwrap().to_owned());
            }
        }
    }

    #[test]
    fn every_file_of_the_example_is_in_the_program() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop");
        let mut names = BTreeSet::new();
        below(&root, &root, &mut names);
        assert_eq!(names, FILES.iter().map(|(name, _)| PathBuf::from(name)).collect());
    }
}
