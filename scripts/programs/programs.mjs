// The programs that are joined, and how they are started to be compiled: some `serve`, until they are stopped, at a socket; others
// `ask` while those serve, and end by themselves. Those without either are compiled at each start.
import { join } from 'node:path'

const served = (place, name) => {
  const socket = join(place, `${name}.sock`)
  return { socket, args: ['--socket', socket] }
}
const conetd = (place) => ({
  socket: join(place, 'conetd.sock'),
  args: [
    ...['--socket', join(place, 'conetd.sock'), '--run-dir', join(place, 'run')],
    ...['--state-dir', join(place, 'state'), '--driver-dir', join(place, 'drivers')],
  ],
})
const asking = (place, ...args) => ['--socket', join(place, 'conetd.sock'), ...args]

/** Of each package its programs, by the names of their files. */
export const programs = {
  host: {
    conetd: { main: 'host/dist/conetd/main.js', serve: conetd },
    conet: { main: 'host/dist/cli/main.js', ask: (place) => ({ args: ['net', 'list', ...asking(place)] }) },
    'conet-guardian': {
      main: 'host/dist/guardian/main.js',
      ask: (place) => ({ args: asking(place, '--action', 'down', '--handle', 'none') }),
    },
    'conet-oci-hook': {
      main: 'host/dist/oci-hook/main.js',
      ask: (place) => ({ args: asking(place, 'poststop'), input: '{"id":"none"}' }),
    },
  },
  'drivers/null': { driver: { main: 'drivers/null/dist/main.js', serve: served } },
  'drivers/bridge': { driver: { main: 'drivers/bridge/dist/main.js', serve: served } },
  'drivers/vxlan': { driver: { main: 'drivers/vxlan/dist/main.js', serve: served } },
  test: {
    'fake-driver': { main: 'test/dist/support/fake-driver-program.js', serve: served },
    'scripted-driver': { main: 'test/dist/support/scripted-driver-main.js' },
    zoo: { main: 'test/dist/zoo/main.js', serve: served },
    keeper: { main: 'test/dist/zoo/keeper-main.js' },
  },
}
