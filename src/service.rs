//! The stages put together from the settings, once: what `serve` offers to callers and `render` uses itself.

mod scratch;

use std::path::Path;
use std::sync::Arc;

use cache::{Cache, Kind as Entries, Memory};

use crate::config::{RenderingSettings, RepositorySettings, Settings};
use crate::error::Result;
use crate::git::Progress;
use crate::pipeline::{self, Pipeline, RENDERERS};
use crate::process::Program;
use crate::render::worker::{WorkerPool, WorkerSettings};
use crate::render::{Budgets, Engines, exec, helm, jsonnet, kustomize};
use crate::source::{self, Sources};
use crate::telemetry::Sample;

use scratch::Scratch;

/// The stages, ready for requests. Cheap to clone; the last one to go takes its files along.
#[derive(Clone)]
pub struct Service {
    /// The road of a request.
    pub pipeline: Pipeline,
    _scratch: Arc<Scratch>,
}

impl Service {
    /// Puts the stages together.
    ///
    /// # Errors
    /// What is wrong with the data folder, the credentials file or a glob.
    pub fn new(settings: &Settings, progress: Option<Arc<dyn Progress>>) -> Result<Self> {
        let sources = Sources::new(sources(&settings.repositories, progress))?;
        let scratch = Scratch::new(&settings.repositories.data_dir)?;
        let engines = engines(&settings.rendering, scratch.path());
        let stages = pipeline::Service::new(sources, engines, settings.rendering.isolation);
        let cache = Cache::new(Memory::new(settings.cache.max_bytes));
        let pipeline = Pipeline::new(road(settings), stages, cache);
        Ok(Self { pipeline, _scratch: Arc::new(scratch) })
    }

    /// Where sources come from.
    #[must_use]
    pub fn sources(&self) -> &Sources {
        self.pipeline.stages().sources()
    }

    /// Starts the workers that requests will need, if they run in workers, so that none has to wait for it. Blocks.
    ///
    /// # Errors
    /// When a worker cannot be started.
    pub fn warm_up(&self) -> Result<()> {
        self.pipeline.stages().warm_up()
    }

    /// What the stages counted so far, for the metrics.
    #[must_use]
    pub fn samples(&self) -> Vec<Sample> {
        let mut samples = self.rendering();
        samples.extend(self.caching());
        samples.extend(self.git());
        samples
    }

    fn rendering(&self) -> Vec<Sample> {
        let read = self.pipeline.stats();
        let renders = RENDERERS.into_iter().zip(read.renders);
        let renders = renders.map(|(name, count)| {
            Sample::counter("renders", "Sources rendered, by renderer", count).of("renderer", name)
        });
        let mut samples: Vec<_> = renders.collect();
        samples.extend([
            Sample::counter("failed_renders", "Renders that failed", read.failed_renders),
            Sample::gauge("renders_running", "Renders that are running", read.running),
            Sample::gauge("queue_length", "Requests that wait for their turn to render", read.waiting),
            Sample::counter("queue_refused", "Requests refused because too many waited", read.refused),
            Sample::gauge(
                "flights",
                "Pieces of work in the air, each for one or more requests",
                read.flights,
            ),
        ]);
        samples.extend(self.workers());
        samples
    }

    fn workers(&self) -> Vec<Sample> {
        let Some(pool) = self.pipeline.stages().workers() else { return Vec::new() };
        let counts = pool.counts();
        let deaths = [
            ("memory", counts.died_of_memory),
            ("time", counts.died_of_time),
            ("other", counts.died_of_other),
        ];
        let deaths = deaths.into_iter().map(|(cause, count)| {
            Sample::counter("worker_deaths", "Workers that died while they rendered", count)
                .of("cause", cause)
        });
        let mut samples: Vec<_> = deaths.collect();
        samples.extend([
            Sample::gauge("workers_busy", "Workers that render", counts.busy as u64),
            Sample::gauge("workers_idle", "Workers that wait for something to render", counts.idle as u64),
        ]);
        samples
    }

    fn caching(&self) -> Vec<Sample> {
        let stats = self.pipeline.cache().stats();
        let each = |name, help, count: fn(cache::Counts) -> u64| {
            let kinds = Entries::ALL.into_iter();
            let sample =
                |kind| Sample::counter(name, help, count(stats.of(kind))).of("kind", Entries::name(kind));
            kinds.map(sample).collect::<Vec<_>>()
        };
        let mut samples = each("cache_hits", "Entries looked for and found", |counts| counts.hits);
        samples.extend(each("cache_misses", "Entries looked for and not found", |counts| counts.misses));
        samples.extend(each("cache_fills", "Entries put in", |counts| counts.fills));
        samples.extend([
            Sample::counter("cache_evictions", "Entries dropped for want of room", stats.evictions),
            Sample::counter("cache_failures", "Times a tier failed or held something broken", stats.failures),
            Sample::gauge("cache_entries", "Entries in memory", stats.entries),
            Sample::gauge("cache_bytes", "Bytes of the entries in memory", stats.bytes),
        ]);
        samples
    }

    fn git(&self) -> [Sample; 4] {
        let counted = self.sources().stats().counted();
        [
            Sample::counter("git_listings", "Listings of refs asked of remotes", counted.listings),
            Sample::counter("git_fetches", "Fetches asked of remotes", counted.fetches),
            Sample::counter("git_received_bytes", "Bytes received from remotes", counted.bytes),
            Sample::counter("git_failures", "Listings and fetches that failed", counted.failures),
        ]
    }
}

fn sources(settings: &RepositorySettings, progress: Option<Arc<dyn Progress>>) -> source::Settings {
    let mut to = source::Settings::new(settings.data_dir.clone());
    to.data_max_bytes = settings.data_max_bytes;
    to.revision_cache_expiration = settings.revision_cache_expiration;
    to.allow_local = settings.allow_file;
    to.allow_repos.clone_from(&settings.allow_repo);
    to.parts =
        source::Parts { allowed: settings.kustomize_remotes, hosts: settings.kustomize_remote_hosts.clone() };
    to.credentials_file.clone_from(&settings.credentials_file);
    to.known_hosts_files.clone_from(&settings.known_hosts);
    to.max_history = settings.max_history;
    to.limits.fetch = settings.fetch_timeout;
    to.limits.list = to.limits.list.min(settings.fetch_timeout);
    to.progress = progress;
    to
}

fn engines(settings: &RenderingSettings, scratch: &Path) -> Engines {
    let RenderingSettings {
        helm_engine,
        helm_version,
        kustomize_engine,
        kustomize_version,
        seed_key,
        parallelism,
        extra_parallelism,
        worker_memory_bytes,
        helm_program,
        kustomize_program,
        search,
        ..
    } = settings;
    let exec = exec::Settings {
        helm: Program::find("helm", helm_program, search, exec::GET_HELM),
        kustomize: Program::find("kustomize", kustomize_program, search, exec::GET_KUSTOMIZE),
        scratch: scratch.to_owned(),
    };
    let seed_key =
        seed_key.as_ref().map(|key| helm::SeedKey::new(key.expose().as_bytes())).unwrap_or_default();
    let native_helm = helm::Settings { version: *helm_version, seed_key };
    let workers = WorkerSettings {
        memory: *worker_memory_bytes,
        count: parallelism + extra_parallelism,
        reserved: *extra_parallelism,
        ..WorkerSettings::default()
    };
    Engines {
        jsonnet: jsonnet::Evaluation::InWorker(WorkerPool::new(workers)),
        helm: *helm_engine,
        native_helm,
        kustomize: *kustomize_engine,
        native_kustomize: kustomize::Settings::new(*kustomize_version),
        exec,
    }
}

fn road(settings: &Settings) -> pipeline::Settings {
    pipeline::Settings {
        parallelism: settings.rendering.parallelism,
        extra_parallelism: settings.rendering.extra_parallelism,
        render_memory_bytes: settings.rendering.memory_bytes,
        cache_expiration: settings.cache.expiration,
        error_cache_expiration: settings.cache.error_expiration,
        budgets: Budgets { time: settings.rendering.timeout, ..Budgets::default() },
    }
}
