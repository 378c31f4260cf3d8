//! What is measured, as data.

/// Who runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// Our runner.
    Deltaic,
    /// delta-kernel-rs.
    Kernel,
    /// The `deltalake` package.
    Deltalake,
}

/// Which time of a run counts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Time {
    /// All of it.
    Whole,
    /// That of the second plan, or of the refresh.
    Again,
}

/// One run: `command table arguments`.
pub(crate) struct Run {
    pub(crate) program: Program,
    pub(crate) command: &'static str,
    pub(crate) table: &'static str,
    pub(crate) arguments: &'static [&'static str],
    pub(crate) time: Time,
}

/// Two runs whose times are compared.
pub(crate) struct Lane {
    pub(crate) name: &'static str,
    pub(crate) theirs: Run,
    pub(crate) ours: Run,
    /// The ratio, their time through ours, that is the goal.
    pub(crate) goal: f64,
}

/// A run of ours whose peak of memory has a goal, in MB.
pub(crate) struct MemoryLane {
    pub(crate) name: &'static str,
    pub(crate) run: Run,
    pub(crate) goal_mb: f64,
}

const fn run(program: Program, command: &'static str, table: &'static str, arguments: &'static [&'static str]) -> Run {
    Run { program, command, table, arguments, time: Time::Whole }
}

const fn again(command: &'static str, table: &'static str, arguments: &'static [&'static str]) -> Run {
    Run { program: Deltaic, command, table, arguments, time: Time::Again }
}

use Program::{Deltaic, Deltalake, Kernel};

const PART: &[&str] = &["--predicate", "part=7"];
const STATS: &[&str] = &["--predicate", "c0<1000000"];
const STATS_AGAIN: &[&str] = &["--predicate", "c0<1000000", "--again"];
const STATS_STRUCT: &[&str] = &["--predicate", "c0<1000000", "--stats", "struct"];
const NO_STATS: &[&str] = &["--stats", "none"];
const DELTALAKE: &[&str] = &["--engine", "deltalake"];
const DELTALAKE_STATS: &[&str] = &["--engine", "deltalake", "--predicate", "c0 < 1000000"];
const FOUR: &[&str] = &["--columns", "l_quantity,l_extendedprice,l_discount,l_shipdate"];
const DELTALAKE_FOUR: &[&str] =
    &["--engine", "deltalake", "--columns", "l_quantity,l_extendedprice,l_discount,l_shipdate"];

/// Every comparison.
pub(crate) const LANES: &[Lane] = &[
    Lane {
        name: "list 1M files, no statistics; kernel",
        theirs: run(Kernel, "scan", "classic_1m", NO_STATS),
        ours: run(Deltaic, "scan", "classic_1m", &[]),
        goal: 7.0,
    },
    Lane {
        name: "list 1M files; deltalake",
        theirs: run(Deltalake, "scan", "classic_1m", DELTALAKE),
        ours: run(Deltaic, "scan", "classic_1m", &[]),
        goal: 25.0,
    },
    Lane {
        name: "visit 1M entries with statistics; kernel",
        theirs: run(Kernel, "scan", "classic_1m", &["--visit"]),
        ours: run(Deltaic, "scan", "classic_1m", &["--visit"]),
        goal: 5.0,
    },
    Lane {
        name: "predicate on JSON statistics; kernel",
        theirs: run(Kernel, "scan", "classic_1m", STATS),
        ours: run(Deltaic, "scan", "classic_1m", STATS),
        goal: 4.0,
    },
    Lane {
        name: "predicate on JSON statistics; deltalake",
        theirs: run(Deltalake, "scan", "classic_1m", DELTALAKE_STATS),
        ours: run(Deltaic, "scan", "classic_1m", STATS),
        goal: 8.0,
    },
    Lane {
        name: "predicate on struct statistics; kernel",
        theirs: run(Kernel, "scan", "classic_1m_struct", STATS_STRUCT),
        ours: run(Deltaic, "scan", "classic_1m_struct", STATS),
        goal: 1.5,
    },
    Lane {
        name: "predicate on a partition; kernel",
        theirs: run(Kernel, "scan", "classic_1m", PART),
        ours: run(Deltaic, "scan", "classic_1m", PART),
        goal: 5.0,
    },
    Lane {
        name: "second predicate on a column; our first",
        theirs: run(Deltaic, "scan", "classic_1m", STATS),
        ours: again("scan", "classic_1m", STATS_AGAIN),
        goal: 10.0,
    },
    Lane {
        name: "open 10k commits; kernel",
        theirs: run(Kernel, "snapshot", "commits_10k", &[]),
        ours: run(Deltaic, "snapshot", "commits_10k", &[]),
        goal: 8.0,
    },
    Lane {
        name: "list 10k commits; kernel",
        theirs: run(Kernel, "scan", "commits_10k", NO_STATS),
        ours: run(Deltaic, "scan", "commits_10k", &[]),
        goal: 10.0,
    },
    Lane {
        name: "list 10k commits; deltalake",
        theirs: run(Deltalake, "scan", "commits_10k", DELTALAKE),
        ours: run(Deltaic, "scan", "commits_10k", &[]),
        goal: 10.0,
    },
    Lane {
        name: "list 10k commits; our open",
        theirs: run(Deltaic, "snapshot", "commits_10k", &[]),
        ours: run(Deltaic, "scan", "commits_10k", &[]),
        goal: 1.0 / 1.5,
    },
    Lane {
        name: "open with a checkpoint; kernel",
        theirs: run(Kernel, "snapshot", "classic_1m", &[]),
        ours: run(Deltaic, "snapshot", "classic_1m", &[]),
        goal: 1.0 / 1.4,
    },
    Lane {
        name: "open with a checksum; kernel",
        theirs: run(Kernel, "snapshot", "classic_1m_checksum", &[]),
        ours: run(Deltaic, "snapshot", "classic_1m_checksum", &[]),
        goal: 1.0 / 1.4,
    },
    Lane {
        name: "refresh 1M files by a commit; our 10k files",
        theirs: again("refresh", "classic_10k", &[]),
        ours: again("refresh", "classic_1m", &[]),
        goal: 1.0 / 1.5,
    },
    Lane {
        name: "refresh 1M files and list them; our 10k files",
        theirs: again("refresh", "classic_10k", &["--visit"]),
        ours: again("refresh", "classic_1m", &["--visit"]),
        goal: 0.0,
    },
    Lane {
        name: "checkpoint of 1M files, with open; deltalake",
        theirs: run(Deltalake, "checkpoint", "classic_1m", &[]),
        ours: run(Deltaic, "checkpoint", "classic_1m", &[]),
        goal: 5.0,
    },
    Lane {
        name: "checkpoint of 10k commits, with open; deltalake",
        theirs: run(Deltalake, "checkpoint", "commits_10k", &[]),
        ours: run(Deltaic, "checkpoint", "commits_10k", &[]),
        goal: 5.0,
    },
    Lane {
        name: "read 6M rows; bare parquet-rs",
        theirs: run(Deltaic, "bare", "lineitem_6m", &[]),
        ours: run(Deltaic, "read", "lineitem_6m", &[]),
        goal: 1.0 / 1.1,
    },
    Lane {
        name: "read four columns; bare parquet-rs",
        theirs: run(Deltaic, "bare", "lineitem_6m", FOUR),
        ours: run(Deltaic, "read", "lineitem_6m", FOUR),
        goal: 1.0 / 1.1,
    },
    Lane {
        name: "read 6M rows; deltalake",
        theirs: run(Deltalake, "read", "lineitem_6m", DELTALAKE),
        ours: run(Deltaic, "read", "lineitem_6m", &[]),
        goal: 1.0,
    },
    Lane {
        name: "read four columns; deltalake",
        theirs: run(Deltalake, "read", "lineitem_6m", DELTALAKE_FOUR),
        ours: run(Deltaic, "read", "lineitem_6m", FOUR),
        goal: 1.0,
    },
    Lane {
        name: "read and keep 6M rows; streamed",
        theirs: run(Deltaic, "read", "lineitem_6m", &[]),
        ours: run(Deltaic, "read", "lineitem_6m", &["--collect"]),
        goal: 0.0,
    },
    Lane {
        name: "read 6M rows with deletion vectors; without",
        theirs: run(Deltaic, "read", "lineitem_6m", &[]),
        ours: run(Deltaic, "read", "lineitem_6m_vectors", &[]),
        goal: 1.0 / 1.15,
    },
];

/// Every peak of memory, of the whole process.
pub(crate) const MEMORY: &[MemoryLane] = &[
    MemoryLane { name: "list 1M files, kept as columns", run: run(Deltaic, "scan", "classic_1m", &[]), goal_mb: 150.0 },
    MemoryLane {
        name: "the same, and one column's bounds",
        run: run(Deltaic, "scan", "classic_1m", STATS),
        goal_mb: 190.0,
    },
    MemoryLane {
        name: "list 1M files as a stream",
        run: run(Deltaic, "scan", "classic_1m", &["--stream"]),
        goal_mb: 80.0,
    },
    MemoryLane { name: "checkpoint of 1M files", run: run(Deltaic, "checkpoint", "classic_1m", &[]), goal_mb: 400.0 },
    MemoryLane {
        name: "the same, with typed statistics",
        run: run(Deltaic, "checkpoint", "classic_1m", &["--stats", "struct"]),
        goal_mb: 400.0,
    },
];

/// Tables that our runner derives: what is added, from which table, name.
pub(crate) const DERIVED: &[(&str, &str, &str)] =
    &[("checksum", "classic_1m", "classic_1m_checksum"), ("vectors", "lineitem_6m", "lineitem_6m_vectors")];

/// Tables that the peers' generator makes: name, arguments.
pub(crate) const GENERATED: &[(&str, &[&str])] =
    &[("classic_10k", &["--files", "10000", "--commits", "100", "--partitions", "1000", "--remove-ratio", "0.05"])];
