//! Big repositories in seconds: all objects go into one pack.

use std::io::Write;

use git2::{Buf, Oid};

use crate::{Commit, Repo};

/// The folder of application `number` in [`apps`].
#[must_use]
pub fn app_folder(number: usize) -> String {
    format!("apps/app-{number:04}")
}

/// Commits `count` applications on `main`, each a folder with a `Deployment` and a `Service` in one file each.
pub fn apps(repo: &Repo, count: usize) -> Oid {
    packed(repo, |commit| (0..count).fold(commit, |commit, number| app(commit, number)))
}

/// Commits a tree of at least `objects` objects on `main`: folders of 50 small, different manifests beneath
/// `bulk/`, and the application `apps/app-0000`.
pub fn wide(repo: &Repo, objects: usize) -> Oid {
    packed(repo, |commit| (0..objects).fold(app(commit, 0), bulk))
}

fn app(commit: Commit<'_>, number: usize) -> Commit<'_> {
    let folder = app_folder(number);
    let deployment = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-{number}\nspec:\n  replicas: 1\n  selector:\n    \
         matchLabels:\n      app: app-{number}\n  template:\n    metadata:\n      labels:\n        app: app-{number}\n    \
         spec:\n      containers:\n      - name: main\n        image: registry.example/app-{number}:1.0.0\n"
    );
    let service = format!(
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: app-{number}\nspec:\n  selector:\n    app: app-{number}\n  \
         ports:\n  - port: 80\n"
    );
    commit
        .file(&format!("{folder}/deployment.yaml"), deployment)
        .file(&format!("{folder}/service.yaml"), service)
}

fn bulk(commit: Commit<'_>, number: usize) -> Commit<'_> {
    let path = format!("bulk/{:02}/{:04}/{number:06}.yaml", number / 5000, number / 50);
    let content = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: bulk-{number}\ndata:\n  a: \"{}\"\n  b: \"{}\"\n",
        number.wrapping_mul(0x9E37_79B9_7F4A_7C15),
        number.wrapping_mul(0xC2B2_AE3D_27D4_EB4F)
    );
    commit.file(&path, content)
}

/// Runs `change` with every new object held in memory, then writes them as one pack.
fn packed(repo: &Repo, change: impl FnOnce(Commit<'_>) -> Commit<'_>) -> Oid {
    // A handle of its own: once added, the memory would take all later objects too.
    let repo = &repo.reopened();
    let odb = repo.git().odb().expect("the repository has objects");
    let memory = odb.add_new_mempack_backend(1_000).expect("a memory backend can be added");
    let id = change(repo.commit("main")).write();
    let mut pack = Buf::new();
    memory.dump(repo.git(), &mut pack).expect("the objects can be packed");
    let mut writer = odb.packwriter().expect("a pack can be written");
    writer.write_all(&pack).expect("a pack can be written");
    writer.commit().expect("a pack can be indexed");
    id
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Root;

    #[test]
    fn a_thousand_apps_are_one_pack() {
        let root = Root::new();
        let repo = root.repo("apps.git");
        let commit = apps(&repo, 1_000);
        let again = git2::Repository::open_bare(repo.path()).unwrap();
        let tree = again.find_commit(commit).unwrap().tree().unwrap();
        let folder = tree.get_path(std::path::Path::new(&app_folder(999))).unwrap();
        assert_eq!(again.find_tree(folder.id()).unwrap().len(), 2);
        let next = repo.commit("main").file("apps/app-0007/service.yaml", "kind: Service").write();
        assert!(git2::Repository::open_bare(repo.path()).unwrap().find_commit(next).is_ok());
    }

    #[test]
    fn a_wide_tree_has_as_many_objects_as_asked_for() {
        let root = Root::new();
        let repo = root.repo("wide.git");
        wide(&repo, 5_000);
        let mut count = 0;
        let odb = git2::Repository::open_bare(repo.path()).unwrap();
        odb.odb()
            .unwrap()
            .foreach(|_| {
                count += 1;
                true
            })
            .unwrap();
        assert!(count >= 5_000, "{count}");
    }
}
