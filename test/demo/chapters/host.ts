// The host starts with two drivers, each a process of its own.
import type { ConetdProcess } from '../../support/conetd-process.ts'
import type { Scene } from '../scene.ts'
import { driverViews } from '../views.ts'

export async function startHost(scene: Scene, conetd: ConetdProcess): Promise<void> {
  scene.chapter('conetd finds its drivers')
  await scene.act(`conetd ${conetd.flags.join(' ')} &`, () => conetd.start())
  const shown = await scene.type('conet driver list')
  scene.match('the bridge driver is ready', { expected: /^bridge\s+ready\s/m, found: shown })
  scene.match('the null driver is ready', { expected: /^null\s+ready\s/m, found: shown })
  const pids = [conetd.pid, ...(await driverPids(scene))]
  const count = new Set(pids).size
  scene.equal('the host and the drivers are three processes', { expected: 3, found: count })
}

export async function restartHost(scene: Scene, conetd: ConetdProcess): Promise<void> {
  scene.chapter('conetd restarts, the containers do not notice')
  const before = await driverPids(scene)
  await scene.act(`kill ${conetd.pid}`, () => conetd.stop())
  const refused = await scene.attempt('conet net list')
  scene.check({
    what: 'without conetd the command line says so',
    expected: 'a failure that names conetd',
    found: `${refused.code}: ${refused.err}`,
    holds: refused.code !== 0 && refused.err.includes('conetd'),
  })
  await scene.act(`conetd ${conetd.flags.join(' ')} &`, () => conetd.start())
  scene.equal('the drivers have gone on', { expected: before, found: await driverPids(scene) })
}

/** In the order of the drivers' names. */
async function driverPids(scene: Scene): Promise<number[]> {
  const drivers = await driverViews(scene)
  return drivers.toSorted((one, other) => (one.name < other.name ? -1 : 1)).map(({ pid }) => pid ?? 0)
}
