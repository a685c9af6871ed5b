/** The error of a tool that the agent gets: one sentence on what is wrong and what is valid. */
export class ToolError extends Error {}

/** A response exceeds the limit of a read. */
export class TooLargeError extends ToolError {}
