/** One line of a terminal that each update replaces. */
export type Progress = {
  readonly update: (text: string) => void
  /** Clears the line. */
  readonly end: () => void
}

/** Writes nothing unless `stream` is a terminal. */
export function showProgress(stream: {
  readonly isTTY?: boolean
  readonly write: (text: string) => unknown
}): Progress {
  let isShown = false
  const clear = '\r\u001b[K'
  return {
    update: (text) => {
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
