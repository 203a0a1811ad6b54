// A handle as a message shows it: runtimes choose them, and may choose long ones.
const mostCharacters = 128

export function shownHandle(handle: string): string {
  return handle.length <= mostCharacters
    ? handle
    : `${handle.slice(0, mostCharacters)}… (${Buffer.byteLength(handle)} bytes)`
}
