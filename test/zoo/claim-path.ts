// Whether a driver may put its socket at a path.
import { once } from 'node:events'
import { lstat } from 'node:fs/promises'
import { connect } from 'node:net'

/** A socket that a dead driver has left is replaced; throws if anything else stands at the path (SOCK-4). */
export async function claimPath(path: string): Promise<void> {
  const stats = await lstat(path).catch(() => undefined)
  if (stats === undefined) return
  if (!stats.isSocket()) throw new Error(`${path} is no socket`)
  const socket = connect(path)
  const answered = await once(socket, 'connect').then(
    () => true,
    () => false,
  )
  socket.destroy()
  if (answered) throw new Error(`somebody answers at ${path}`)
}
