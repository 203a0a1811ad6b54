// What the commands know of the process that they run in.
export type Terminal = { out(text: string): void; err(text: string): void }
