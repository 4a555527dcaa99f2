//! The pull request that a job of GitHub Actions is for.
//!
//! No tool of a job needs to name the pull request, so transcripts may lack it. GitHub states it in
//! the environment of every job that a pull request starts.

use super::rows;
use crate::host::Host;
use crate::variables::Variable;

/// A pull request and its branch.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CheckedOut {
    pub(super) branch: String,
    pub(super) address: String,
}

/// The pull request of the current job; `None` outside of one.
pub(super) fn pull_request(host: &Host) -> Option<CheckedOut> {
    let text = |variable| host.variable(variable).ok().flatten();
    let number = text(Variable::GithubRef)?.strip_prefix("refs/pull/")?;
    let (number, _) = number.split_once('/')?;
    let server = text(Variable::GithubServer)?;
    let repository = text(Variable::GithubRepository)?;
    let address = format!("{server}/{repository}/pull/{number}");
    let branch = text(Variable::GithubHeadRef)?.to_owned();
    rows::pull_request(&address).map(|_| CheckedOut { branch, address })
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;

    #[test]
    fn a_job_for_a_pull_request_states_its_number_and_branch() {
        let job = [
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "ada/bookshop"),
            ("GITHUB_REF", "refs/pull/12/merge"),
            ("GITHUB_HEAD_REF", "shelves"),
        ];
        let set = |host: Host, (name, value): &(&str, &str)| host.with(name, value);
        let host = job.iter().fold(Host::bare(Utc::now), set);
        let expected = CheckedOut {
            branch: "shelves".to_owned(),
            address: "https://github.com/ada/bookshop/pull/12".to_owned(),
        };
        assert_eq!(pull_request(&host), Some(expected));
        for other in [
            // A push to a branch, without a pull request.
            ("GITHUB_REF", "refs/heads/main"),
            ("GITHUB_HEAD_REF", ""),
            ("GITHUB_REF", "refs/pull/twelve/merge"),
            ("GITHUB_REPOSITORY", "bookshop"),
        ] {
            assert_eq!(pull_request(&set(host.clone(), &other)), None, "{other:?}");
        }
    }
}
