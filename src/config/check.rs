//! From what was given to checked [`Settings`]: every value is looked at, every mistake is kept.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use helm::HelmVersion;
use kustomize::KustomizeVersion;

use super::flags::{FLAGS, Given, Values};
use super::{
    CacheSettings, LogSettings, MemoryPlan, RenderingSettings, RepositorySettings, ServerSettings, Settings,
    TlsSettings, file, memory, units,
};
use crate::credentials::Secret;
use crate::pipeline::extra_renders;
use crate::render::{Engine, Isolation};
use crate::telemetry::Format;

/// What is wrong with the settings: one line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes(pub Vec<String>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Mistakes {}

/// Where ssh keeps the host keys all users of a machine trust.
const SYSTEM_KNOWN_HOSTS: &str = "/etc/ssh/ssh_known_hosts";

/// A worker of less could not render anything.
const MIN_WORKER_MEMORY: u64 = 32 << 20;

/// The shortest secret that cannot be tried out, in bytes.
const LEAST_KEY: usize = 16;

/// What the settings take from the environment besides their twins.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `XDG_CACHE_HOME`.
    pub cache_home: Option<PathBuf>,
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// `PATH`.
    pub search: OsString,
    /// Whether `NO_COLOR` is set.
    pub no_color: bool,
    /// Bytes of memory that the machine, or the container, has.
    pub memory: Option<u64>,
}

impl Environment {
    /// What this process was started with.
    #[must_use]
    pub fn of_this_process() -> Self {
        let path = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Self {
            cache_home: path("XDG_CACHE_HOME"),
            home: path("HOME"),
            search: std::env::var_os("PATH").unwrap_or_default(),
            no_color: path("NO_COLOR").is_some(),
            memory: memory::available(),
        }
    }

    fn data_dir(&self) -> Option<PathBuf> {
        let cache = self.cache_home.clone().or_else(|| Some(self.home.as_ref()?.join(".cache")));
        cache.map(|folder| folder.join("manifestd"))
    }
}

impl Settings {
    /// Checks everything that was given, and the files it names.
    ///
    /// # Errors
    /// All mistakes together.
    pub fn check(values: Values, environment: &Environment) -> Result<Self, Mistakes> {
        let mut mistakes = Vec::new();
        let values = file::merge(values, &mut mistakes);
        let mut check = Checker { values, mistakes };
        let mut settings = Self {
            server: check.server(),
            repositories: check.repositories(environment),
            cache: check.cache(),
            rendering: check.rendering(environment),
            logs: check.logs(environment),
        };
        check.divide_memory(&mut settings, environment);
        if check.mistakes.is_empty() { Ok(settings) } else { Err(Mistakes(check.mistakes)) }
    }
}

/// Looks values up and collects what is wrong with them; a wrong value stands in as its type's least.
struct Checker {
    values: Values,
    mistakes: Vec<String>,
}

impl Checker {
    fn server(&mut self) -> ServerSettings {
        ServerSettings {
            listen: self.address("listen").unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0))),
            metrics_listen: self.metrics_listen(),
            tls: self.tls(),
            token: self.token(),
            reflection: self.switch("reflection"),
            drain_time: self.duration("drain-time"),
            max_message_bytes: self.message_bytes(),
            max_streams: self.number::<NonZeroU32>("max-streams").map_or(0, NonZeroU32::get),
            max_connections: self.at_least_one("max-connections"),
            max_connections_per_peer: self.at_least_one("max-connections-per-peer"),
            request_memory_bytes: self.request_memory_bytes(),
            reply_memory_bytes: self.size("reply-memory-bytes"),
        }
    }

    fn repositories(&mut self, environment: &Environment) -> RepositorySettings {
        RepositorySettings {
            data_dir: self.data_dir(environment),
            data_max_bytes: self.size("data-max-bytes"),
            revision_cache_expiration: self.duration("revision-cache-expiration"),
            fetch_timeout: self.duration("fetch-timeout"),
            max_history: self.number("max-history").unwrap_or(0),
            credentials_file: self.readable("credentials-file"),
            known_hosts: self.known_hosts(environment),
            allow_repo: self.words("allow-repo"),
            allow_file: self.switch("allow-file"),
            kustomize_remotes: self.on_or_off("kustomize-remotes"),
            kustomize_remote_hosts: self.words("kustomize-remote-host"),
        }
    }

    fn cache(&mut self) -> CacheSettings {
        CacheSettings {
            max_bytes: self.size("cache-max-bytes"),
            expiration: self.duration("cache-expiration"),
            error_expiration: self.duration("error-cache-expiration"),
        }
    }

    fn rendering(&mut self, environment: &Environment) -> RenderingSettings {
        let parallelism = self.parallelism();
        RenderingSettings {
            parallelism,
            extra_parallelism: extra_renders(parallelism),
            isolation: self.isolation(),
            worker_memory_bytes: self.worker_memory_bytes(),
            memory_plan: None,
            memory_bytes: self.size("render-memory-bytes"),
            timeout: self.duration("render-timeout"),
            helm_engine: self.engine("helm-engine"),
            helm_version: self.helm_version(),
            kustomize_engine: self.engine("kustomize-engine"),
            kustomize_version: self.kustomize_version(),
            seed_key: self.seed_key(),
            helm_program: self.text("helm-program").into(),
            kustomize_program: self.text("kustomize-program").into(),
            search: environment.search.clone(),
        }
    }

    fn logs(&mut self, environment: &Environment) -> LogSettings {
        let levels = self.parsed(
            "log-level",
            |text| text.parse().ok(),
            "is no level: error, warn, info, debug or trace",
        );
        LogSettings {
            levels: levels.unwrap_or_default(),
            format: self.log_format(),
            colours: !environment.no_color,
        }
    }

    fn metrics_listen(&mut self) -> Option<SocketAddr> {
        // YAML reads a plain `off` as false.
        let off = matches!(self.text("metrics-listen").as_str(), "off" | "false");
        if off { None } else { self.address("metrics-listen") }
    }

    fn tls(&mut self) -> Option<TlsSettings> {
        let certificate = self.file("tls-certificate");
        let key = self.file("tls-key");
        let client_ca = self.file("client-ca");
        if self.is_given("tls-certificate") != self.is_given("tls-key") {
            self.mistakes.push("--tls-certificate and --tls-key: one needs the other".into());
        }
        if self.is_given("client-ca") && !self.is_given("tls-certificate") {
            self.mistakes.push("--client-ca: needs --tls-certificate and --tls-key".into());
        }
        Some(TlsSettings { certificate: certificate?, key: Secret::new(key?), client_ca })
    }

    fn token(&mut self) -> Option<Secret> {
        let content = self.file("token-file")?;
        let token = content.trim();
        if token.is_empty() || token.contains(|c: char| !c.is_ascii_graphic()) {
            self.mistake("token-file", "the file must hold one token of printable characters");
        }
        Some(Secret::new(token))
    }

    fn engine(&mut self, name: &'static str) -> Engine {
        let engine = |text: &str| match text {
            "native" => Some(Engine::Native),
            "exec" => Some(Engine::Exec),
            _ => None,
        };
        self.parsed(name, engine, "is no engine: native or exec").unwrap_or_default()
    }

    fn helm_version(&mut self) -> HelmVersion {
        let version = self.parsed(
            "helm-version",
            |text| text.parse().ok(),
            "is not known: 4.3.2, 4.3.1, 4.2.4, 4.2.1 or 3.21.4",
        );
        version.unwrap_or_default()
    }

    fn kustomize_version(&mut self) -> KustomizeVersion {
        let version =
            self.parsed("kustomize-version", |text| text.parse().ok(), "is not known: 5.8.3 or 5.8.1");
        version.unwrap_or_default()
    }

    fn seed_key(&mut self) -> Option<Secret> {
        let key = self.file("seed-key-file")?;
        if key.trim().len() < LEAST_KEY {
            self.mistake("seed-key-file", "the file must hold at least 16 characters that nobody can guess");
        }
        Some(Secret::new(key.trim()))
    }

    fn message_bytes(&mut self) -> usize {
        let bytes = self.size("max-message-bytes");
        // A gRPC frame says its length in 32 bits.
        if !(1024..=u64::from(u32::MAX)).contains(&bytes) {
            self.mistake("max-message-bytes", "must be between 1KiB and 4GiB");
        }
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }

    fn at_least_one(&mut self, name: &'static str) -> usize {
        self.number::<NonZeroUsize>(name).map_or(1, NonZeroUsize::get)
    }

    /// What holds the largest message three times, besides the part that is kept for small ones. The default makes room.
    fn request_memory_bytes(&mut self) -> u64 {
        let bytes = self.size("request-memory-bytes");
        let least = self.size("max-message-bytes").saturating_mul(7) / 2;
        let is_default = self.values.get("request-memory-bytes").is_none_or(|given| given.is_default);
        if bytes < least && !is_default {
            self.mistake(
                "request-memory-bytes",
                "must be at least three and a half times --max-message-bytes",
            );
        }
        bytes.max(least)
    }

    fn data_dir(&mut self, environment: &Environment) -> PathBuf {
        let given = self.path("data-dir").or_else(|| environment.data_dir());
        given.unwrap_or_else(|| {
            self.mistake("data-dir", "is needed: neither XDG_CACHE_HOME nor HOME is set");
            PathBuf::new()
        })
    }

    fn known_hosts(&mut self, environment: &Environment) -> Vec<PathBuf> {
        if self.is_given("known-hosts") {
            return self.readable("known-hosts").into_iter().collect();
        }
        let own = environment.home.as_ref().map(|home| home.join(".ssh/known_hosts"));
        own.into_iter().chain([PathBuf::from(SYSTEM_KNOWN_HOSTS)]).collect()
    }

    fn parallelism(&mut self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        if !self.is_given("parallelism-limit") {
            return cores();
        }
        self.at_least_one("parallelism-limit")
    }

    fn isolation(&mut self) -> Isolation {
        match self.text("isolation").as_str() {
            "process" => Isolation::Process,
            "none" => Isolation::None,
            _ => {
                self.mistake("isolation", "must be process or none");
                Isolation::None
            }
        }
    }

    fn worker_memory_bytes(&mut self) -> u64 {
        let bytes = self.size("worker-memory-bytes");
        if bytes < MIN_WORKER_MEMORY {
            self.mistake("worker-memory-bytes", "must be at least 32MiB");
        }
        bytes
    }

    /// As many workers as the memory budget has room for, where there are workers and a budget.
    fn divide_memory(&mut self, settings: &mut Settings, environment: &Environment) {
        let is_given = self.is_given("memory-budget");
        let given = is_given.then(|| self.size("memory-budget"));
        let Some(budget) = given.or_else(|| Some(environment.memory? / 4 * 3)) else { return };
        if settings.rendering.isolation == Isolation::None || !self.values.contains_key("cache-max-bytes") {
            return;
        }
        let (wanted, extra) = (settings.rendering.parallelism, settings.rendering.extra_parallelism);
        let plan = MemoryPlan::new(budget, wanted + extra, settings);
        // Of few workers one is kept for overtaking, unless the operator said how many renders he wants.
        let is_fixed = self.is_given("parallelism-limit");
        let most = if is_fixed { plan.workers.saturating_sub(wanted) } else { plan.workers - 1 };
        settings.rendering.extra_parallelism = extra.min(most);
        settings.rendering.parallelism = wanted.min(plan.workers - settings.rendering.extra_parallelism);
        settings.rendering.memory_plan = Some(plan);
        if plan.workers < wanted && is_fixed {
            let wrong = format!(
                "the memory budget of {} MiB has room for {} workers of {} MiB beside the {} MiB of the server itself; \
                 lower it or --worker-memory-bytes, or raise --memory-budget",
                budget >> 20,
                plan.workers,
                plan.worker_bytes >> 20,
                plan.own_bytes >> 20
            );
            self.mistake("parallelism-limit", &wrong);
        }
        if is_given && !plan.fits() {
            let needed = plan.own_bytes.saturating_add(plan.worker_bytes) >> 20;
            self.mistake("memory-budget", &format!("one worker and the server itself need {needed} MiB"));
        }
    }

    fn log_format(&mut self) -> Format {
        match self.text("log-format").as_str() {
            "auto" => Format::Auto,
            "text" => Format::Text,
            "json" => Format::Json,
            _ => {
                self.mistake("log-format", "must be auto, text or json");
                Format::Auto
            }
        }
    }

    fn address(&mut self, name: &'static str) -> Option<SocketAddr> {
        self.parsed(
            name,
            |text| text.parse().ok(),
            "is no address: it must be like 127.0.0.1:8081 or [::]:8081",
        )
    }

    fn duration(&mut self, name: &'static str) -> Duration {
        self.parsed(name, units::duration, "is no time: it must be like 90s, 3m or 1h30m").unwrap_or_default()
    }

    fn size(&mut self, name: &'static str) -> u64 {
        self.parsed(name, units::size, "is no size: it must be like 512MiB or 20GiB").unwrap_or_default()
    }

    fn number<T: std::str::FromStr>(&mut self, name: &'static str) -> Option<T> {
        self.parsed(name, |text| text.parse().ok(), "must be a whole number above 0, and not too large")
    }

    fn switch(&mut self, name: &'static str) -> bool {
        self.parsed(name, |text| text.parse().ok(), "must be true or false").unwrap_or_default()
    }

    /// YAML reads a plain `on` as true.
    fn on_or_off(&mut self, name: &'static str) -> bool {
        let read = |text: &str| match text {
            "on" | "true" => Some(true),
            "off" | "false" => Some(false),
            _ => None,
        };
        self.parsed(name, read, "must be on or off").unwrap_or_default()
    }

    fn parsed<T>(&mut self, name: &'static str, parse: impl Fn(&str) -> Option<T>, wrong: &str) -> Option<T> {
        let parsed = parse(&self.text(name));
        if parsed.is_none() {
            self.mistake(name, wrong);
        }
        parsed
    }

    fn words(&self, name: &str) -> Vec<String> {
        let values = match self.values.get(name) {
            Some(given) => given.values.join(" "),
            None => default(name).unwrap_or_default().to_owned(),
        };
        values.split_whitespace().map(str::to_owned).collect()
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        Some(self.text(name)).filter(|text| !text.is_empty()).map(PathBuf::from)
    }

    fn file(&mut self, name: &'static str) -> Option<String> {
        let read = fs::read_to_string(self.path(name)?);
        read.inspect_err(|error| self.mistake(name, &format!("cannot be read: {error}"))).ok()
    }

    /// The path of a file that is there to be read.
    fn readable(&mut self, name: &'static str) -> Option<PathBuf> {
        let path = self.path(name)?;
        fs::File::open(&path)
            .inspect_err(|error| self.mistake(name, &format!("cannot be read: {error}")))
            .ok()?;
        Some(path)
    }

    fn is_given(&self, name: &str) -> bool {
        self.path(name).is_some()
    }

    /// The one value, or the default; empty when there is neither.
    fn text(&self, name: &str) -> String {
        let given = self.values.get(name).and_then(|given| given.values.last().cloned());
        given.or_else(|| default(name).map(str::to_owned)).unwrap_or_default()
    }

    fn mistake(&mut self, name: &str, wrong: &str) {
        let line = match self.values.get(name) {
            Some(Given { values, from, .. }) => format!("{from}: `{}` {wrong}", values.join(" ")),
            None => format!("--{name}: {wrong}"),
        };
        self.mistakes.push(line);
    }
}

fn default(name: &str) -> Option<&'static str> {
    FLAGS.iter().find(|flag| flag.name == name)?.default
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(pairs: &[(&'static str, &str)]) -> Values {
        let one = |value: &str, name| Given {
            values: vec![value.to_owned()],
            from: format!("--{name}"),
            is_default: false,
        };
        pairs.iter().map(|(name, value)| (*name, one(value, *name))).collect()
    }

    fn check(pairs: &[(&'static str, &str)]) -> Result<Settings, Mistakes> {
        let environment = Environment { home: Some("/home/me".into()), ..Environment::default() };
        Settings::check(given(pairs), &environment)
    }

    #[test]
    fn workers_fit_the_memory_budget() {
        let serve = [
            ("isolation", "process"),
            ("cache-max-bytes", "128MiB"),
            ("reply-memory-bytes", "64MiB"),
            ("max-message-bytes", "10MiB"),
            ("request-memory-bytes", "64MiB"),
        ];
        let with = |more: &[(&'static str, &str)]| check(&[&serve[..], more].concat());
        // A worker of 512 MiB and its stack of 512 MiB, beside caches, requests, replies and 256 MiB of the server's own.
        let worker = ("worker-memory-bytes", "512MiB");
        let settings = with(&[worker, ("memory-budget", "2560MiB"), ("parallelism-limit", "2")]).unwrap();
        let plan = settings.rendering.memory_plan.unwrap();
        assert_eq!((plan.workers, plan.worker_bytes, plan.own_bytes), (2, 1 << 30, 512 << 20));
        assert!(plan.fits() && settings.rendering.parallelism == 2);
        let mistakes = with(&[worker, ("memory-budget", "2559MiB"), ("parallelism-limit", "2")]).unwrap_err();
        assert!(
            mistakes.0[0]
                .starts_with("--parallelism-limit: `2` the memory budget of 2559 MiB has room for 1")
        );
        let mistakes = with(&[worker, ("memory-budget", "1GiB")]).unwrap_err();
        assert_eq!(mistakes.0, ["--memory-budget: `1GiB` one worker and the server itself need 1536 MiB"]);
        let settings = check(&[("isolation", "none"), ("memory-budget", "1GiB")]).unwrap();
        assert!(settings.rendering.memory_plan.is_none());
    }

    #[test]
    fn defaults_are_no_mistakes_and_mean_what_they_say() {
        let settings = check(&[]).unwrap();
        assert_eq!(settings.server.listen.to_string(), "127.0.0.1:8081");
        assert_eq!(settings.server.metrics_listen.unwrap().to_string(), "127.0.0.1:8084");
        assert_eq!(settings.server.max_message_bytes, 100 << 20);
        assert!(!settings.server.reflection && !settings.repositories.allow_file);
        assert!(settings.server.tls.is_none() && settings.server.token.is_none());
        assert_eq!(settings.repositories.data_max_bytes, 20 << 30);
        assert_eq!(settings.repositories.data_dir, PathBuf::from("/home/me/.cache/manifestd"));
        assert_eq!(settings.repositories.revision_cache_expiration, Duration::from_secs(180));
        assert_eq!(settings.repositories.fetch_timeout, Duration::from_secs(120));
        assert_eq!(settings.cache.expiration, Duration::from_secs(86_400));
        assert_eq!(settings.cache.error_expiration, Duration::from_secs(60));
        assert_eq!(settings.rendering.timeout, Duration::from_secs(60));
        assert!(settings.rendering.parallelism >= 1);
        assert!(settings.repositories.kustomize_remotes);
        assert_eq!(
            settings.repositories.kustomize_remote_hosts,
            ["github.com", "*.githubusercontent.com", "gitlab.com", "bitbucket.org"]
        );
    }

    #[test]
    fn all_mistakes_are_reported_together() {
        let mistakes = check(&[
            ("listen", "nowhere"),
            ("drain-time", "5 minutes"),
            ("data-max-bytes", "lots"),
            ("reflection", "perhaps"),
            ("tls-certificate", "/nonexistent/certificate.pem"),
            ("log-format", "xml"),
            ("log-level", "=="),
            ("max-message-bytes", "5GiB"),
            ("parallelism-limit", "0"),
        ]);
        let expected = [
            "--listen: `nowhere` is no address: it must be like 127.0.0.1:8081 or [::]:8081",
            "--tls-certificate: `/nonexistent/certificate.pem` cannot be read: No such file or directory (os error 2)",
            "--tls-certificate and --tls-key: one needs the other",
            "--reflection: `perhaps` must be true or false",
            "--drain-time: `5 minutes` is no time: it must be like 90s, 3m or 1h30m",
            "--max-message-bytes: `5GiB` must be between 1KiB and 4GiB",
            "--data-max-bytes: `lots` is no size: it must be like 512MiB or 20GiB",
            "--parallelism-limit: `0` must be a whole number above 0, and not too large",
            "--log-level: `==` is no level: error, warn, info, debug or trace",
            "--log-format: `xml` must be auto, text or json",
        ];
        assert_eq!(mistakes.unwrap_err().0, expected);
    }

    #[test]
    fn the_token_is_the_trimmed_content_and_may_not_be_empty() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &str| {
            let path = folder.path().join(name);
            fs::write(&path, content).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let settings = check(&[("token-file", &file("good", "s3cret\n"))]).unwrap();
        assert_eq!(settings.server.token.unwrap().expose(), "s3cret");
        assert_eq!(check(&[("token-file", &file("empty", "\n"))]).unwrap_err().0.len(), 1);
        assert_eq!(check(&[("token-file", &file("two", "a b"))]).unwrap_err().0.len(), 1);
    }

    #[test]
    fn without_a_home_the_data_folder_must_be_given() {
        let mistakes = Settings::check(Values::new(), &Environment::default()).unwrap_err();
        assert_eq!(mistakes.0, ["--data-dir: is needed: neither XDG_CACHE_HOME nor HOME is set"]);
    }

    #[test]
    fn remotes_are_on_or_off_and_their_hosts_replace_the_usual_ones() {
        for (text, on) in [("on", true), ("true", true), ("off", false), ("false", false)] {
            assert_eq!(check(&[("kustomize-remotes", text)]).unwrap().repositories.kustomize_remotes, on);
        }
        assert!(check(&[("kustomize-remotes", "perhaps")]).is_err());
        let settings = check(&[("kustomize-remote-host", "git.example.org *.example.com:8443")]).unwrap();
        let hosts = settings.repositories.kustomize_remote_hosts;
        assert_eq!(hosts, ["git.example.org", "*.example.com:8443"]);
    }

    #[test]
    fn globs_are_separated_by_spaces_and_keep_their_commas() {
        let settings = check(&[("allow-repo", "https://a/{b,c}/** https://d/*")]).unwrap();
        assert_eq!(settings.repositories.allow_repo, ["https://a/{b,c}/**", "https://d/*"]);
    }
}
