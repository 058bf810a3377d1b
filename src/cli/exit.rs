//! How the program ends: the exit codes that scripts may rely on, after BSD's `sysexits`.

/// Why the program ended, as its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ExitCode {
    /// 0: everything that was asked for is done.
    Done = 0,
    /// 1: the run finished, but left issues in `extractor.failures` or a certificate that does not
    /// hold.
    Incomplete = 1,
    /// 64: the command line makes no sense.
    Usage = 64,
    /// 65: Jira answered with something that is no data of Jira's.
    BadData = 65,
    /// 69: Jira or Postgres cannot be reached.
    Unavailable = 69,
    /// 70: a mistake in this program.
    Internal = 70,
    /// 75: try again later: another run holds the project, or Jira asks for a longer pause than is
    /// granted.
    TryAgain = 75,
    /// 77: refused (401, 403): who we are is not enough.
    Refused = 77,
    /// 78: the configuration is wrong.
    Config = 78,
}

impl ExitCode {
    /// Every code, ascending.
    pub const ALL: [Self; 9] = [
        Self::Done,
        Self::Incomplete,
        Self::Usage,
        Self::BadData,
        Self::Unavailable,
        Self::Internal,
        Self::TryAgain,
        Self::Refused,
        Self::Config,
    ];

    /// The number.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// What the code means, as `--help` lists it.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Incomplete => "finished, but left failures or a certificate that does not hold",
            Self::Usage => "the command line makes no sense",
            Self::BadData => "Jira answered with something that is not its data",
            Self::Unavailable => "Jira or Postgres cannot be reached",
            Self::Internal => "a mistake in extractor itself",
            Self::TryAgain => {
                "try again later: the project is taken, or Jira asks for a long pause"
            }
            Self::Refused => "refused (401, 403): check the credentials and their permissions",
            Self::Config => "the configuration is wrong",
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_the_documented_ones() {
        let numbers: Vec<u8> = ExitCode::ALL.into_iter().map(ExitCode::code).collect();
        assert_eq!(numbers, [0, 1, 64, 65, 69, 70, 75, 77, 78]);
    }
}
