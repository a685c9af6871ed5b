export type Command = {
  /** A running server is asked by most; what needs none stands apart in the list. */
  readonly asks: 'server' | 'nobody'
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

/** Flags of every command that asks a server. */
export const COMMON_HELP = `  --url URL     the server (default http://127.0.0.1:4319, or $SPANLINK_URL)
  --json        the API's answer as JSON instead of text
  --help

Exit codes: 0 done, 1 failed, 2 not understood, 3 not found, 4 no server.
`
