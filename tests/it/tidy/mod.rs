//! Holds the repository to what its documents say: the arrows between folders, where I/O may be,
//! what every file looks like, and that README.md tells what the program does.

mod arrows;
mod files;
mod readme;
mod source;
