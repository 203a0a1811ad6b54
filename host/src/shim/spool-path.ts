// Where runtimes' programs leave what conetd is to do when it is back: beside its sockets, so that both find it from
// `--socket`. It ends with the run directory, and so does what it is about.

export function spoolDirectoryOf(runtimeSocket: string): string {
  return `${runtimeSocket.replace(/(\.runtime)?\.sock$/, '')}.spool`
}
