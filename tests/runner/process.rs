//! Programs run under limits and leave nothing behind. Every program used here is part of a minimal Debian.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use manifestd::error::{Error, Kind};
use manifestd::process::{Call, Limits, Output, Program};
use manifestd::render::Stop;

struct Bench {
    folder: tempfile::TempDir,
    program: Program,
    limits: Limits,
    time: Duration,
}

impl Bench {
    fn new(program: &'static str) -> Self {
        let launcher = Path::new(env!("CARGO_BIN_EXE_manifestd"));
        let program =
            Program::find(program, Path::new(program), "/usr/bin:/bin".as_ref(), "").launched_by(launcher);
        let limits = Limits { stdout_bytes: 1 << 20, stderr_bytes: 1 << 16, data_bytes: 256 << 20 };
        Self { folder: tempfile::tempdir().unwrap(), program, limits, time: Duration::from_secs(20) }
    }

    fn call(&self, arguments: &[&str]) -> Call<'_> {
        Call {
            program: &self.program,
            title: "the program",
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            folder: self.folder.path(),
            room: self.folder.path(),
            environment: vec![("OURS", "yes".to_owned())],
            limits: self.limits,
            hidden: vec![(self.folder.path().to_owned(), ".")],
        }
    }

    fn run(&self, arguments: &[&str]) -> Result<Output, Error> {
        let stop = Stop::after(self.time);
        self.call(arguments).run_blocking(|| stop.check())
    }

    fn stdout(&self, arguments: &[&str]) -> String {
        String::from_utf8(self.run(arguments).unwrap().stdout.to_vec()).unwrap()
    }

    /// The id of the process that a script left in the file `pid`.
    fn pid(&self) -> String {
        let file = self.folder.path().join("pid");
        wait(|| fs::read_to_string(&file).ok().filter(|text| text.ends_with('\n'))).trim().to_owned()
    }
}

/// Starts a grandchild that would outlive everything, and notes its id.
const GRANDCHILD: &str = "/bin/sleep 1000 & echo $! > pid";

fn wait<T>(mut what: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = what() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "it did not happen");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until a process is dead; one that nobody has buried yet counts.
fn dies(pid: &str) {
    let status = PathBuf::from(format!("/proc/{pid}/status"));
    wait(|| match fs::read_to_string(&status) {
        Ok(text) if !text.contains("\nState:\tZ") => None,
        _ => Some(()),
    });
}

#[test]
fn a_program_sees_nothing_of_ours() {
    let bench = Bench::new("env");
    let seen = bench.stdout(&[]);
    let mut names: Vec<&str> = seen.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    names.sort_unstable();
    assert_eq!(names, ["HOME", "LANG", "LC_ALL", "OURS", "PATH", "TMPDIR", "TZ"]);
    assert!(seen.contains("PATH=/dev/null\n"), "{seen}");

    // Ours are closed by the system, what our own parents left open by the launcher.
    let _open = fs::File::open("/dev/null").unwrap();
    let open = "n=3; while [ $n -lt 300 ]; do (: <&$n) 2>/dev/null && echo $n; n=$((n + 1)); done; true";
    assert_eq!(Bench::new("sh").stdout(&["-c", open]), "");
    assert_eq!(Bench::new("cat").stdout(&[]), "", "there is nothing to read");
}

#[test]
fn a_program_reaches_its_room_only() {
    let cat = Bench::new("cat");
    if !manifestd::process::confines() {
        eprintln!("skipped: this kernel runs without Landlock (boot it with lsm=landlock,…)");
        return;
    }
    fs::write(cat.folder.path().join("ours"), "ours").unwrap();
    let outside = tempfile::NamedTempFile::new().unwrap();
    assert_eq!(cat.stdout(&["ours"]), "ours");
    for file in [outside.path().to_str().unwrap(), "/etc/passwd", "/proc/self/environ"] {
        let error = cat.run(&[file]).unwrap_err();
        assert!(error.message().ends_with("Permission denied"), "{error}");
    }
    Bench::new("sh").run(&["-c", "echo x > ours; echo x > /dev/null"]).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let bash = Bench::new("bash");
    let error = bash.run(&["-c", &format!("exec 9<>/dev/tcp/127.0.0.1/{port}")]).unwrap_err();
    assert!(error.message().contains("Permission denied"), "{error}");
}

#[test]
fn limits_are_set_before_the_program_begins() {
    let sh = Bench::new("sh");
    assert_eq!(sh.stdout(&["-c", "ulimit -d; ulimit -c; ulimit -n; pwd"]), {
        format!("262144\n0\n1024\n{}\n", sh.folder.path().display())
    });
    let mut tail = Bench::new("tail");
    tail.limits.data_bytes = 32 << 20;
    let error = tail.run(&["/dev/zero"]).unwrap_err();
    assert_eq!(error.kind(), Kind::OverBudget, "{error}");
    assert!(error.message().contains("for want of memory, of which it may have 33554432 bytes"), "{error}");
    let error =
        Bench::new("sh").run(&["-c", "echo 'Error: no pod is out of memory' >&2; exit 1"]).unwrap_err();
    assert_eq!(error.kind(), Kind::Invalid, "{error}");
}

#[test]
fn arguments_reach_the_program_as_they_are() {
    let arguments = ["-n", "$(touch pwned)", "; touch pwned", "a b", "*"];
    let printf = Bench::new("printf");
    assert_eq!(printf.stdout(&["%s\n", "-n", "$(touch pwned)", "; touch pwned", "a b", "*"]), {
        arguments.map(|argument| format!("{argument}\n")).concat()
    });
    assert!(!printf.folder.path().join("pwned").exists());
}

#[test]
fn a_failure_tells_what_the_program_said() {
    let sh = Bench::new("sh");
    let error = sh.run(&["-c", "echo \"$PWD/a.yaml: bad\" >&2; exit 3"]).unwrap_err();
    assert_eq!(error.kind(), Kind::Invalid);
    let line = "`the program` failed exit status 3: ./a.yaml: bad";
    assert_eq!(error.message(), line);
    assert_eq!(sh.run(&["-c", "kill -9 $$"]).unwrap_err().kind(), Kind::Unavailable);
    let said = sh.run(&["-c", "echo warning >&2"]).unwrap();
    assert_eq!(said.stderr, "warning\n");
}

#[test]
fn too_much_output_ends_the_program() {
    let error = Bench::new("yes").run(&[]).unwrap_err();
    assert_eq!(error.kind(), Kind::OverBudget);
    assert_eq!(error.message(), "`the program` wrote more than 1048576 bytes to standard output");
    let error =
        Bench::new("sh").run(&["-c", "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxx >&2; done"]).unwrap_err();
    assert!(error.message().ends_with("wrote more than 65536 bytes to standard error"), "{error}");
}

#[test]
fn time_that_runs_out_ends_the_whole_group() {
    let mut sh = Bench::new("sh");
    sh.time = Duration::from_millis(500);
    let error = sh.run(&["-c", &format!("{GRANDCHILD}; wait")]).unwrap_err();
    assert_eq!(error.kind(), Kind::Deadline);
    dies(&sh.pid());
}

#[test]
fn what_a_program_leaves_running_is_ended() {
    let sh = Bench::new("sh");
    // The grandchild holds the pipes: without its end, ours would not come.
    assert_eq!(sh.stdout(&["-c", &format!("{GRANDCHILD}; echo done")]), "done\n");
    dies(&sh.pid());
}

#[test]
fn a_raised_flag_ends_the_program() {
    let sh = Bench::new("sh");
    let stop = Stop::after(Duration::from_secs(20));
    let call = sh.call(&["-c", &format!("{GRANDCHILD}; wait")]);
    let error = std::thread::scope(|scope| {
        let running = scope.spawn(|| call.run_blocking(|| stop.check()).unwrap_err());
        sh.pid();
        stop.raise();
        running.join().unwrap()
    });
    assert_eq!(error.kind(), Kind::Cancelled);
    dies(&sh.pid());
}

#[tokio::test]
async fn a_dropped_call_ends_the_program() {
    let sh = Bench::new("sh");
    let script = format!("{GRANDCHILD}; wait");
    let call = sh.call(&["-c", &script]);
    let ready = async {
        while !sh.folder.path().join("pid").exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        ended = call.run(|| Ok(())) => panic!("it ended: {ended:?}"),
        () = ready => {}
    }
    dies(&sh.pid());
}

#[test]
fn arguments_the_system_cannot_take_are_refused() {
    let printf = Bench::new("printf");
    assert_eq!(printf.run(&["a\0b"]).unwrap_err().kind(), Kind::Invalid);
    assert_eq!(printf.run(&[&"x".repeat(128 << 10)]).unwrap_err().kind(), Kind::OverBudget);
}

#[test]
fn what_cannot_start_says_so() {
    let launcher = Path::new(env!("CARGO_BIN_EXE_manifestd"));
    let mut bench = Bench::new("sh");
    bench.program =
        Program::find("helm", Path::new("helm"), "/nowhere".as_ref(), "get helm").launched_by(launcher);
    assert_eq!(bench.run(&[]).unwrap_err().kind(), Kind::Precondition);
    bench.program = Program::at("gone", Path::new("/nowhere/gone")).launched_by(launcher);
    let error = bench.run(&[]).unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable);
    assert!(error.message().starts_with("cannot start gone: "), "{error}");
}
