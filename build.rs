//! The dashboard's files are compiled in. Cargo must see the folder to know when they change, so it is made when it is missing;
//! nothing is built here, and no Node is needed.

fn main() {
    let folder = "web/dist";
    if let Err(error) = std::fs::create_dir_all(folder) {
        println!("cargo:warning=could not make `{folder}`: {error}");
    }
    println!("cargo:rerun-if-changed={folder}");
}
