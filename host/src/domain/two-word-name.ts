// Names for networks that nobody named: an adjective and one of the people who built networks.
const adjectives =
  'able agile amber ample brave brisk calm candid clever crisp deft eager fair fleet fluent gentle glad grand happy honest humble jolly keen kind lively lucid mellow merry nimble noble patient placid plucky proud quick quiet ready sharp smooth snappy sober solid spry steady stellar sunny swift tidy upbeat vivid warm wise witty zesty'.split(
    ' ',
  )
const people =
  'baran bosack boggs cerf clark crocker crowther davies deering estrin feinler floyd hamilton hopper jacobson kahn karels kleinrock lamarr lerner licklider lovelace metcalfe mills mockapetris partridge perlman postel pouzin rekhter roberts rose shannon stevens taylor tomlinson turing zimmermann'.split(
    ' ',
  )

/** The first free name in an order that `random` (0 ≤ x < 1) chooses; with a number behind it when all are taken. */
export function twoWordName(isTaken: (name: string) => boolean, random: () => number = Math.random): string {
  const total = adjectives.length * people.length
  const start = Math.floor(random() * total)
  for (let step = 0; ; step++) {
    const index = (start + step) % total
    const base = `${adjectives[Math.floor(index / people.length)]}_${people[index % people.length]}`
    const name = step < total ? base : `${base}_${Math.floor(step / total)}`
    if (!isTaken(name)) return name
  }
}
