//! Tables of stable codes: one line for each rule, with its text, why it is broken and what a sender can do.

/// Makes an enum of the rules that an input can break. The texts are an interface: they are never renamed.
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

            /// What is wrong, where no more is known than the code.
            #[must_use]
            pub fn reason(self) -> &'static str {
                match self { $(Self::$variant => $reason,)+ }
            }

            /// What its sender can do.
            #[must_use]
            pub fn fix(self) -> &'static str {
                match self { $(Self::$variant => $fix,)+ }
            }
        }
    };
}

pub(crate) use error_codes;

/// Asks of a table that every code has a text of its own, in small letters, and says why and what to do.
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
