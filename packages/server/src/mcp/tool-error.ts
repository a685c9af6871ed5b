/** Returned to the agent as the error of a tool: one sentence on what is wrong and what is valid. */
export class ToolError extends Error {}
