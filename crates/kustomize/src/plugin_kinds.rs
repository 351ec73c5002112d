//! The transformers and generators that are built in, by the names that kustomizations and messages use.

/// Writes an enum whose variants have names, and the list of them.
macro_rules! kinds {
    ($(#[$doc:meta])* $name:ident { $( $(#[$variant_doc:meta])* $variant:ident = $text:literal ),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $( $(#[$variant_doc])* $variant, )* }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$( Self::$variant, )*];

            /// The name in `kind`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $( Self::$variant => $text, )* }
            }

            /// The one of this name.
            #[must_use]
            pub fn named(kind: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == kind)
            }
        }
    };
}

kinds! {
    /// What changes resources.
    TransformerKind {
        /// Sets annotations.
        Annotations = "AnnotationsTransformer",
        /// Puts hashes behind names.
        Hash = "HashTransformer",
        /// Changes images.
        ImageTag = "ImageTagTransformer",
        /// Sets labels.
        Label = "LabelTransformer",
        /// Moves resources to a namespace.
        Namespace = "NamespaceTransformer",
        /// Applies a JSON patch.
        PatchJson6902 = "PatchJson6902Transformer",
        /// Merges patches into the resources of the same name.
        PatchStrategicMerge = "PatchStrategicMergeTransformer",
        /// Applies a patch of either kind.
        Patch = "PatchTransformer",
        /// Puts texts around names.
        PrefixSuffix = "PrefixSuffixTransformer",
        /// Puts a text in front of names.
        Prefix = "PrefixTransformer",
        /// Copies values from field to field.
        Replacement = "ReplacementTransformer",
        /// Sets the number of replicas.
        ReplicaCount = "ReplicaCountTransformer",
        /// Puts a text behind names.
        Suffix = "SuffixTransformer",
        /// Puts one value into fields.
        ValueAdd = "ValueAddTransformer",
    }
}

kinds! {
    /// What makes resources.
    GeneratorKind {
        /// Makes a ConfigMap.
        ConfigMap = "ConfigMapGenerator",
        /// Makes a Secret.
        Secret = "SecretGenerator",
        /// Renders a chart.
        HelmChartInflation = "HelmChartInflationGenerator",
        /// Makes a service account.
        IamPolicy = "IAMPolicyGenerator",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_names_its_own() {
        for one in TransformerKind::ALL {
            assert_eq!(TransformerKind::named(one.name()), Some(*one));
            assert_eq!(GeneratorKind::named(one.name()), None);
        }
        for one in GeneratorKind::ALL {
            assert_eq!(GeneratorKind::named(one.name()), Some(*one));
        }
    }
}
