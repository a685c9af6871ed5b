/** A command that asks a running server. */
export type Command = {
  /** One line, for the list of commands. */
  readonly summary: string
  readonly help: string
  /**
   * @returns the exit code
   * @throws UsageError, CommandError
   */
  readonly run: (args: readonly string[], out: Output) => Promise<number>
}

export type Output = {
  readonly line: (text: string) => void
  /** To stderr. */
  readonly note: (text: string) => void
}

/** Flags of every such command. */
export const COMMON_HELP = `  --url URL     the server (default http://127.0.0.1:4319, or $SPANLINK_URL)
  --json        the API's answer as JSON instead of text
  --help

Exit codes: 0 done, 1 failed, 2 not understood, 3 not found, 4 no server.
`
