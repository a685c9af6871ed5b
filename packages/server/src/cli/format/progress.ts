/** How far something long is, on one line of a terminal that the next one takes the place of. */
export type Progress = {
  readonly say: (text: string) => void
  /** Leaves the line empty. */
  readonly end: () => void
}

/** Nothing where `stream` is no terminal: a log has no use for it. */
export function progressOn(stream: { readonly isTTY?: boolean; readonly write: (text: string) => unknown }): Progress {
  let isShown = false
  const clear = '\r\u001b[K'
  return {
    say: (text) => {
      if (stream.isTTY !== true) return
      stream.write(`${clear}${text}`)
      isShown = true
    },
    end: () => {
      if (isShown) stream.write(clear)
      isShown = false
    },
  }
}
