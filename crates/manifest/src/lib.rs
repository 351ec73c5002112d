//! One Kubernetes object and lists of them: split, flatten, track.
