/** One line about something that an operator wants to know; who runs the receiver decides where it goes. */
export type Log = (line: string) => void
