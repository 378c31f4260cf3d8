//! `cargo xtask`: what the project does to itself. Plain Rust, so that a fresh machine needs nothing else.

mod bench;
mod ci;
mod fixtures;
mod process;
mod public_api;
mod python_package;
mod server;
mod test;
mod tiers;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask COMMAND

  test [--tier NAME]
                    run all tests: Rust, then what needs Python, Node, Go or Java where those are installed
                    (REQUIRE_ALL=1 turns every skip into a failure); or one tier: rust, python, node, go, spark
  ci                what continuous integration runs: formatting, lints, documentation, tests, the public API
  fixtures [ARGS]   make the tables of fixtures/ anew with the engines that wrote them (Java 17, Python)
  bench [OUT [PAIRS [LANE]]]
                    measure against other engines on the same tables ($DELTAIC_PEERS, by default ../shared/bench)
  public-api [--update]
                    compare the public API with public-api.txt, or write that file
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = arguments.split_first().map_or(("help", &[][..]), |(command, rest)| (command.as_str(), rest));
    let outcome = match command {
        "test" => test::run(rest),
        "ci" => ci::run(),
        "fixtures" => fixtures::run(rest),
        "bench" => bench::run(rest),
        "public-api" => public_api::run(rest),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        unknown => Err(format!("there is no command `{unknown}`\n\n{HELP}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}
