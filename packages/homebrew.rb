class PosthogLlma < Formula
  desc "@DESCRIPTION@"
  homepage "@HOMEPAGE@"
  version "@VERSION@"
  license "@LICENSE@"

  @SYSTEMS@
  def install
    bin.install "posthog-llma"
    man1.install Dir["man/*.1"]
    bash_completion.install "completions/posthog-llma.bash" => "posthog-llma"
    fish_completion.install "completions/posthog-llma.fish"
    zsh_completion.install "completions/_posthog-llma"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/posthog-llma --version")
  end
end
