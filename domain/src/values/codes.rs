//! Enums with a stable text for each variant, and tables of error codes: one line for each rule, with its code, its reason and
//! its fix.

/// Defines an enum whose variants have stable texts.
macro_rules! text_enum {
    ($(#[$documentation:meta])* $name:ident; $($(#[$variant_documentation:meta])* $variant:ident $text:literal;)+) => {
        $(#[$documentation])*
        pub enum $name {
            $($(#[$variant_documentation])* $variant,)+
        }

        impl $name {
            /// Every variant, in the order of their definition.
            pub const ALL: [Self; [$(Self::$variant,)+].len()] = [$(Self::$variant,)+];

            /// The stable text.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }
    };
}

pub(crate) use text_enum;

/// Defines an enum of the rules that input can break. The codes are an interface: they are never renamed.
macro_rules! error_codes {
    ($(#[$documentation:meta])* $name:ident; $($variant:ident $text:literal: $reason:literal => $fix:literal;)+) => {
        $(#[$documentation])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $name {
            $(#[doc = $reason] $variant,)+
        }

        impl $name {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable text of the code.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// What is wrong, if only the code is known.
            #[must_use]
            pub fn reason(self) -> &'static str {
                match self { $(Self::$variant => $reason,)+ }
            }

            /// How the sender fixes it.
            #[must_use]
            pub fn fix(self) -> &'static str {
                match self { $(Self::$variant => $fix,)+ }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

pub(crate) use error_codes;

/// Checks that every code of a table is unique and lowercase, and has a reason and a fix.
#[cfg(test)]
macro_rules! check_codes {
    ($name:ident) => {
        let texts: std::collections::BTreeSet<_> = $name::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(texts.len(), $name::ALL.len());
        for code in $name::ALL {
            assert!(!code.reason().is_empty() && !code.fix().is_empty(), "{code:?}");
            assert!(
                code.as_str().bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
            );
        }
    };
}

#[cfg(test)]
pub(crate) use check_codes;
