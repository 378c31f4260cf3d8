//! The `deltaic` command: shows, reads, checks, makes, changes and keeps Delta tables.
//!
//! One file per verb. A verb is a function from its arguments to an [`failure::Outcome`]; [`output`] prints.

mod arguments;

mod changes;
mod check;
mod checkpoint;
mod cleanup;
mod compact_logs;
mod create;
mod delete;
mod failure;
mod files;
mod history;
mod input;
mod log;
mod open;
mod output;
mod read;
mod restore;
mod schema;
mod show;
mod update;
mod vacuum;
mod write;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use tracing_subscriber::EnvFilter;

use arguments::{Cli, Verb, When};
use failure::{Failure, Outcome};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    set_up(&cli);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = runtime.map_err(Failure::Output).and_then(|runtime| {
        let outcome = runtime.block_on(until_interrupted(cli.verb));
        // Work that an interruption left behind on other threads is not waited for.
        runtime.shutdown_background();
        outcome
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.is_silent() {
                // Nobody is left to be told where standard error is gone.
                let _ = writeln!(anstream::stderr().lock(), "{ERROR}error:{ERROR:#} {failure}");
            }
            failure.exit_code()
        }
    }
}

/// Warnings, but for those of the AWS kit: it warns of each place where it found no credentials, and the error says them all.
const DEFAULT_LOG: &str = "warn,aws_config=error";

const ERROR: anstyle::Style = anstyle::AnsiColor::Red.on_default().bold();

fn set_up(cli: &Cli) {
    let choice = match cli.color {
        When::Auto => anstream::ColorChoice::Auto,
        When::Always => anstream::ColorChoice::Always,
        When::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
    output::set_progress(!cli.no_progress);
    let filter = EnvFilter::try_from_env("DELTAIC_LOG").unwrap_or_else(|_| EnvFilter::new(DEFAULT_LOG));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).without_time();
    let is_coloured = cli.color != When::Never && std::io::stderr().is_terminal();
    subscriber.with_target(false).with_ansi(is_coloured).init();
}

/// Runs the verb; Ctrl-C drops it where it stands, and with it what is half written.
async fn until_interrupted(verb: Verb) -> Outcome {
    tokio::select! {
        outcome = run(verb) => outcome,
        _ = tokio::signal::ctrl_c() => Err(Failure::Interrupted),
    }
}

async fn run(verb: Verb) -> Outcome {
    match verb {
        Verb::Show(arguments) => show::run(arguments).await,
        Verb::Files(arguments) => files::run(arguments).await,
        Verb::History(arguments) => history::run(arguments).await,
        Verb::Read(arguments) => read::run(arguments).await,
        Verb::Changes(arguments) => changes::run(arguments).await,

        Verb::Schema(arguments) => schema::run(arguments).await,
        Verb::Log(arguments) => log::run(arguments).await,
        Verb::Check(arguments) => check::run(arguments).await,
        Verb::Checkpoint(arguments) => checkpoint::run(arguments).await,
        Verb::Vacuum(arguments) => vacuum::run(arguments).await,
        Verb::Create(arguments) => create::run(arguments).await,
        Verb::Write(arguments) => write::run(*arguments).await,
        Verb::Delete(arguments) => delete::run(arguments).await,
        Verb::CompactLogs(arguments) => compact_logs::run(arguments).await,
        Verb::Cleanup(arguments) => cleanup::run(arguments).await,
        Verb::Update(arguments) => update::run(arguments).await,
        Verb::Restore(arguments) => restore::run(arguments).await,
        Verb::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "deltaic", &mut script);
            Ok(output::standard().write_all(&script)?)
        }
    }
}
