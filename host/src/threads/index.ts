// Threads, and what conetd loads late.
export { programUnavailable } from './program-files.ts'
export { Threads } from './threads.ts'
