// A second implementation of hourmeter-score/1, written from docs/SCORE.md: section numbers are its.
// It reads golden.json from standard input and writes what golden-scores.json should say. It
// checks nothing of what it reads, and is as slow as it is short.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

// §1 Numbers. All are BigInt; / truncates, so signed numbers go through floor.
const ONE = 1n << 32n, Q62 = 1n << 62n, MILLION = 1000000n
const LN2 = 0x2c5c85fdf473de6an, LOG2E = 0x5c551d94ae0bf85dn
const floor = (a, b) => a / b - (a % b < 0n ? 1n : 0n)
const min = (...xs) => xs.reduce((a, b) => b < a ? b : a)
const max = (...xs) => xs.reduce((a, b) => b > a ? b : a)
const within = (x, low, high) => min(max(x, low), high)
const abs = x => x < 0n ? -x : x
const sum = xs => xs.reduce((a, b) => a + b, 0n)
const mul = (a, b) => a * b >> 32n
const mul62 = (a, b) => a * b >> 62n
const share = (part, whole) => part * ONE / whole
const q32 = ppm => ppm * ONE / MILLION
const ppm = x => x * MILLION >> 32n

function isqrt(x) {
  let r = 1n << BigInt(x.toString(2).length + 1 >> 1)
  for (let next; (next = (r + x / r) / 2n) < r;) r = next
  return x === 0n ? 0n : r
}

const LOG2 = [], EXP2 = []
for (let k = 0n; k < 256n; k++) {
  let m = (256n + k) << 119n, log = 0n
  for (let i = 0; i < 62; i++) {
    const s = m * m >> 128n, bit = s >> 127n
    log = 2n * log + bit
    m = bit ? s : 2n * s
  }
  LOG2.push(log)
}
const roots = [1n << 63n]
for (let i = 1; i <= 8; i++) roots.push(isqrt(roots[i - 1] << 64n))
for (let k = 0; k < 256; k++) {
  const named = roots.filter((_, i) => i > 0 && k >> (8 - i) & 1)
  EXP2.push(k === 0 ? Q62 : named.reduce((p, root) => p * root >> 64n) / 4n)
}
const table = Buffer.alloc(4096)
;[...LOG2, ...EXP2].forEach((x, i) => table.writeBigUInt64BE(x, 8 * i))
const digest = createHash('sha256').update(table).digest('hex')
if (digest !== 'ffc3fdf4c8e86e38f24f9083a205a0c7b2b0f4158f9816c9668d3094805756e1') throw new Error('tables: ' + digest)

function log2(x) {
  const z = 64n - BigInt(x.toString(2).length), m = x << z
  const k = (m >> 55n) - 256n, b = (256n + k) << 55n
  const d = (m - b) * Q62 / b, d2 = mul62(d, d), d3 = mul62(d2, d), d4 = mul62(d3, d)
  const e = d - d2 / 2n + d3 / 3n - d4 / 4n
  return (31n - z) * ONE + (LOG2[k] + mul62(e, LOG2E) >> 30n)
}
const ln = x => mul62(log2(x), LN2)
function exp2neg(y) {
  const n = y >> 32n
  if (n > 62n) return 0n
  const z = mul62((y & 0xffffffn) << 30n, LN2), z2 = mul62(z, z), z3 = mul62(z2, z), z4 = mul62(z3, z)
  return mul62(EXP2[y >> 24n & 255n], Q62 - z + z2 / 2n - z3 / 6n + z4 / 24n) >> n
}
function certainty(odds) {
  if (odds < 0n) return -certainty(-odds)
  const e = exp2neg(mul62(odds, LOG2E))
  return (Q62 - e) * ONE / (Q62 + e)
}
function probability(odds) {
  const e = exp2neg(abs(odds))
  return (odds < 0n ? e : Q62) * ONE / (Q62 + e)
}
const log2odds = p => log2(p) - log2(ONE - p)

// §2 Days, windows, weights.
const dayOf = text => BigInt(Date.parse(text + 'T00:00:00Z') / 86400000)
const windowOf = day => floor(day + 3n, 7n)
const weight = age => age < 0n || age >= 768n ? 0n : exp2neg(age * ONE / 24n) >> 30n

// §3 Policy.
const DIMENSIONS = ['availability', 'maintenance', 'obligations', 'integrity', 'provenance']
const sha256 = (...parts) => createHash('sha256').update(Buffer.concat(parts.map(p => Buffer.from(p)))).digest()
const multibase = hash => 'u' + Buffer.concat([Buffer.from([0x12, 0x20]), hash]).toString('base64url')
const canonical = v => Array.isArray(v) ? '[' + v.map(canonical) + ']'
  : v === null || typeof v !== 'object' ? JSON.stringify(v)
  : '{' + Object.keys(v).sort().map(k => JSON.stringify(k) + ':' + canonical(v[k])) + '}'

// §7 Voices, by issuer. Groups are numbered as they are found.
function voicesOf(policy) {
  const llr = r => {
    const se = q32(BigInt(r.sensitivityPpm)), sp = q32(BigInt(r.specificityPpm))
    if (r.sensitivityPpm + r.specificityPpm === 1000000) return { good: 0n, bad: 0n }
    return { good: max(0n, ln(se) - ln(ONE - sp)), bad: min(0n, ln(ONE - se) - ln(sp)) }
  }
  const voices = new Map(), groupOf = new Map()
  for (const issuer of policy.issuers) {
    if (issuer.sensitivityPpm + issuer.specificityPpm === 1000000) continue
    const voice = { ...llr(issuer), group: issuer.id }
    voices.set(issuer.id, voice)
    const ties = ['by ' + issuer.id]
    if (issuer.controller) ties.push('by ' + issuer.controller)
    if (issuer.logOrigin) ties.push('in ' + issuer.logOrigin)
    for (const tie of ties) {
      const other = groupOf.get(tie)?.group ?? voice.group
      for (const v of voices.values()) if (v.group === other) v.group = voice.group
      groupOf.set(tie, voice)
    }
  }
  const admission = llr(policy.admission)
  voices.set('interested', { good: 0n, bad: admission.bad, group: 'side' })
  voices.set('telemetry', { good: llr(policy.telemetry).good, bad: admission.bad, group: 'side' })
  return voices
}

// §5 Normal form, and the root.
const KINDS = ['report', 'fact', 'hidden', 'fork', 'due', 'discharge', 'backDated',
  'void', 'unlogged', 'duplicate', 'rival', 'tail']
const STANDINGS = ['interested', 'telemetry', 'independent']
const compare = (a, b) => a < b ? -1 : a > b ? 1 : 0

function normalize(evidence, asOf) {
  const list = (evidence ?? []).map(e => ({
    sequence: e.sequence, hash: Buffer.from(e.digest.slice(1), 'base64url').subarray(2), issuer: e.issuer ?? '',
    day: dayOf(e.day), text: e.day, dimension: DIMENSIONS.indexOf(e.dimension), kind: KINDS.indexOf(e.kind ?? 'report'),
    standing: STANDINGS.indexOf(e.assurance ?? 'interested'), good: BigInt(e.good ?? 0), bad: BigInt(e.bad ?? 0),
    failures: BigInt(e.failures ?? 0), repair: BigInt(e.repairSeconds ?? 0),
  }))
  const same = (a, b) => compare(a.sequence, b.sequence) || Buffer.compare(a.hash, b.hash) ||
    compare(a.dimension, b.dimension) || compare(a.kind, b.kind) || compare(a.day, b.day)
  list.sort((a, b) => same(a, b) || compare(b.bad, a.bad) || compare(a.good, b.good) || compare(a.standing, b.standing) ||
    compare(b.failures, a.failures) || compare(b.repair, a.repair) || Buffer.compare(Buffer.from(a.issuer), Buffer.from(b.issuer)))
  return list.filter((e, i) => i === 0 || same(list[i - 1], e))
    .filter(e => e.day <= asOf || ['due', 'discharge'].includes(KINDS[e.kind]))
}

function rootOf(model, evidence) {
  const leaves = evidence.map(e => ({
    sequence: e.sequence, digest: multibase(e.hash), issuer: e.issuer || undefined, day: e.text, dimension: DIMENSIONS[e.dimension],
    kind: e.kind ? KINDS[e.kind] : undefined, assurance: e.standing ? STANDINGS[e.standing] : undefined, good: Number(e.good) || undefined,
    bad: Number(e.bad) || undefined, failures: Number(e.failures) || undefined, repairSeconds: Number(e.repair) || undefined,
  })).concat(model ? { model } : []).map(leaf => Buffer.from(canonical(JSON.parse(JSON.stringify(leaf))))).sort(Buffer.compare)
  const tree = list => {
    if (list.length === 0) return sha256()
    if (list.length === 1) return sha256([0], list[0])
    let k = 1
    while (2 * k < list.length) k *= 2
    return sha256([1], tree(list.slice(0, k)), tree(list.slice(k)))
  }
  return tree(leaves)
}

// §7 Counting.
const WEEK = 604800n
function count(evidence, voices) {
  const counts = { reports: DIMENSIONS.map(() => new Map()), facts: DIMENSIONS.map(() => new Map()),
    hidden: DIMENSIONS.map(() => new Map()), due: DIMENSIONS.map(() => new Map()), forks: 0n, up: 0n, failures: 0n, repair: 0n,
    seen: new Set() }
  const add = (map, key, n) => map.set(key, (map.get(key) ?? 0n) + n)
  for (const e of evidence) {
    const d = e.dimension, w = windowOf(e.day)
    switch (KINDS[e.kind]) {
      case 'fork': counts.forks += e.bad // and a fact
      case 'fact':
        add(counts.facts[d], w, e.bad)
        if (d === 4 && KINDS[e.kind] === 'fact') counts.seen.add('ENTRIES_MISSING')
        break
      case 'hidden': add(counts.hidden[d], w, e.bad) // and
      case 'tail': counts.seen.add('ENTRIES_MISSING'); break
      case 'void': counts.seen.add('KEY_COMPROMISED'); break
      case 'backDated': counts.seen.add('BACK_DATED'); break
      case 'unlogged': counts.seen.add('UNLOGGED'); break
      case 'duplicate': counts.seen.add('DUPLICATES'); break
      case 'rival': counts.seen.add('FOREIGN_BRANCH'); break
      case 'due': add(counts.due[d], e.day, e.bad); break
      case 'discharge': add(counts.due[d], e.day, -e.bad); break
      case 'report': {
        const standing = STANDINGS[e.standing], id = standing === 'independent' ? e.issuer : standing
        if (!voices.has(id)) {
          if (d < 3) counts.seen.add('UNTRUSTED_ISSUERS')
          break
        }
        const whole = e.good + e.bad
        let { good, bad, failures, repair } = e, up = good
        if (d === 0 && whole > WEEK) {
          good = good * WEEK / whole
          bad = WEEK - good
        }
        if (id === 'interested') {
          if (good > 0n && d < 3) counts.seen.add('SELF_PRAISE')
          up = good = failures = repair = 0n
        }
        const cells = counts.reports[d]
        if (!cells.has(w)) cells.set(w, new Map())
        const cell = cells.get(w).get(id) ?? { good: 0n, bad: 0n }
        cells.get(w).set(id, { good: cell.good + good, bad: cell.bad + bad })
        if (d === 0) { counts.up += up; counts.failures += failures; counts.repair += repair }
      }
    }
  }
  return counts
}

// §8 Fusion of one window.
function fuse(cells, d, voices, seen) {
  const reports = [...cells].map(([id, { good, bad }]) => {
    if (d === 0 ? good > 0n && good + bad > WEEK : d < 3 && good > 1000n) seen.add('DUPLICATES')
    if (d === 0) bad = min(bad, WEEK)
    good = min(good, d === 0 ? WEEK - bad : 1000n)
    const whole = max(good + bad, d === 0 ? 86400n : 1000n)
    return { voice: voices.get(id), good: share(good, whole), from: ONE - share(bad, whole) }
  })
  const cuts = new Set([0n, ONE])
  for (const r of reports) cuts.add(r.good).add(r.from)
  const at = [...cuts].sort(compare)
  let good = 0n, bad = 0n, doubt = 0n
  for (let i = 0; i + 1 < at.length; i++) {
    const groups = new Map()
    for (const r of reports) {
      const l = at[i] < r.good ? r.voice.good : at[i] >= r.from ? r.voice.bad : 0n
      const best = groups.get(r.voice.group) ?? 0n
      if (abs(l) > abs(best) || abs(l) === abs(best) && l < best) groups.set(r.voice.group, l)
    }
    const c = certainty(within(sum([...groups.values()]), -6n * ONE, 6n * ONE)), length = at[i + 1] - at[i]
    doubt += mul(length, mul(abs(c), ONE - abs(c)))
    if (c >= 0n) good += mul(length, c)
    else bad += mul(length, -c)
  }
  return { good, bad, doubt }
}

// §8 Tally, bound and recent evidence. The recent sums age four times as fast.
function tally(counts, d, asOf, voices) {
  const now = windowOf(asOf), sums = [1n, 4n].map(speed => ({ speed, r: 0n, s: 0n, h: 0n, v: 0n, u: 0n }))
  let lost = false, doubt = 0n
  for (let age = 0n; age < 768n; age++) {
    const w = now - age, fused = fuse(counts.reports[d].get(w) ?? [], d, voices, counts.seen)
    for (const t of sums) {
      const W = weight(age * t.speed)
      if (!lost) t.r += mul(W, fused.good)
      const facts = min(counts.facts[d].get(w) ?? 0n, 65536n)
      t.s += mul(W, fused.bad) + W * facts
      t.u += W * (max(facts, 1n) - 1n) / 2n
      t.h += W * min(counts.hidden[d].get(w) ?? 0n, 65536n)
    }
    if (!lost) doubt += mul(weight(age), fused.doubt)
    lost ||= DIMENSIONS[d] === 'integrity' && fused.bad > 0n
  }
  for (const [day, n] of counts.due[d]) if (day < asOf) {
    for (const t of sums) t.v += weight((now - windowOf(day)) * t.speed) * within(n, 0n, 65536n)
  }
  for (const t of sums) t.s += t.v
  return { ...sums[0], doubt, recent: sums[1] }
}

function ceiling(r, s, halves) {
  if (s === 0n) return ONE
  const n = r + s, z2 = halves * halves * ONE / 4n
  const root = isqrt((r * s / n + z2 / 4n) << 24n) << 4n
  return min(ONE, (r + z2 / 2n + halves * root / 2n) * ONE / (n + z2))
}

function bounds(prior, t) {
  const k = BigInt(prior.strengthMilli) * ONE / 1000n
  const B = (r, s) => {
    const mean = within((r + mul(k, q32(BigInt(prior.meanPpm)))) * ONE / (r + s + k), 1n, ONE - 1n)
    return { mean, low: max(0n, mean - isqrt(mean * (ONE - mean) * ONE / (r + s + ONE))) }
  }
  const steady = min(B(t.r, t.s + t.h).low, B(t.r, 0n).low), { r, s, h, u } = t.recent
  const n = t.r + t.s - t.u - t.doubt / 2n, bad = within(t.s - t.u - t.doubt / 4n, 0n, n)
  return { mean: max(1n, min(B(n - bad, bad).mean, ceiling(r, s - u, 2n))), steady, low: min(steady, ceiling(r, s + h, 1n)) }
}

// §9 and §10.
const BASE = log2(20n * ONE)
const odds = points => BASE + floor((points - 600n) * ONE, 40n)
const rung = x => within(log2odds(within(x, 1n, ONE - 1n)), odds(300n), odds(850n))
const CAPS = { C0: 500n, C1: 580n, C2: 680n, C3: 850n, C4: 850n }
const UNPROVEN = DIMENSIONS.map(d => d.toUpperCase() + '_UNPROVEN')
const ADVERSE = ['AVAILABILITY_LOW', 'MAINTENANCE_POOR', 'OBLIGATIONS_BROKEN', 'INTEGRITY_WEAK', 'ENTRIES_MISSING']
const NOTES = ['ENTRIES_MISSING', 'KEY_COMPROMISED', 'BACK_DATED', 'UNLOGGED', 'SELF_PRAISE', 'UNTRUSTED_ISSUERS', 'DUPLICATES', 'FOREIGN_BRANCH', 'NEW_RECORD']
const TEXTS = new Map(readFileSync(new URL('../../docs/SCORE.md', import.meta.url), 'utf8')
  .split('\n').map(line => line.match(/^\|`([A-Z0-9_]+)`\|.*\|(.*)\|$/)).filter(m => m).map(m => [m[1], m[2]]))

function score(policy, voices, digest, c) {
  const asOf = dayOf(c.asOf), evidence = normalize(c.case.evidence, asOf), counts = count(evidence, voices)
  const priors = (policy.fleets ?? []).find(f => f.models.includes(c.case.model))?.priors ?? policy.priors
  const weights = DIMENSIONS.map(d => BigInt(policy.weightsPpm[d]))
  let points = 600n, mean = 0n, low = 0n, n = 0n, given = 0n
  const reasons = [], late = { code: 'RECENT_DETERIORATION', lost: 0n }
  const dimensions = DIMENSIONS.map((name, d) => {
    const t = tally(counts, d, asOf, voices), b = bounds(priors[name], t)
    const above = o => floor(weights[d] * (o - BASE) * 40n, MILLION * ONE)
    const best = 250n * sum(weights.slice(0, d + 1)) / MILLION - given
    given += best
    mean += weights[d] * log2odds(b.mean)
    low += weights[d] * rung(b.low)
    const mine = above(rung(b.low)), steady = b.low < b.steady ? above(rung(b.steady)) : mine, lost = best - steady
    late.lost += steady - mine
    points += mine
    n += t.r + t.s
    const a = best - above(rung(t.s + t.h > 0n ? share(t.r, t.r + t.s + t.h) : ONE))
    const overdue = t.v > (t.s + t.h) / 2n && (d === 1 || d === 2)
    const code = a <= lost - a ? UNPROVEN[d] : t.h > t.s ? 'ENTRIES_MISSING' : overdue ? name.toUpperCase() + '_OVERDUE' : ADVERSE[d]
    const same = reasons.find(r => r.code === code)
    if (same) same.lost += lost
    reasons.push({ code, lost: same ? 0n : lost })
    return { name, meanPpm: ppm(b.mean), lowPpm: ppm(b.low), points: mine, lost: best - mine, evidence: t.r + t.s >> 32n }
  })
  points = max(points, 300n)
  let beta = probability(floor(low, MILLION))
  const cap = counts.forks > 0n ? 300n : CAPS[c.case.completeness]
  const byCap = { code: 'CAPPED_' + c.case.completeness, lost: max(0n, points - cap) }
  if (points > cap) {
    points = cap
    beta = min(beta, probability(odds(cap)))
  }
  reasons.push(late, byCap)
  if (counts.forks > 0n) {
    byCap.code = 'EQUIVOCATION'
    beta = 0n
  }
  reasons.sort((x, y) => (y.code === 'EQUIVOCATION') - (x.code === 'EQUIVOCATION') || compare(y.lost, x.lost))
  if (late.lost > 0n && reasons.indexOf(late) > 3) reasons[3] = late
  const listed = reasons.slice(0, 4).filter(r => r.lost > 0n || r.code === 'EQUIVOCATION')
  const oldest = min(...counts.reports.flatMap(cells => [...cells]).filter(([, said]) =>
    [...said].some(([id, { good, bad }]) => id !== 'interested' && id !== 'telemetry' && good + bad > 0n)).map(([w]) => w), windowOf(65535n) + 1n)
  if (oldest > windowOf(asOf) - 13n) counts.seen.add('NEW_RECORD')
  const note = counts.forks > 0n ? 'EQUIVOCATION' : c.case.completeness === 'C3' ? 'STALE' : byCap.code
  if (note !== 'CAPPED_C4' && !listed.some(r => r.code === note)) listed.push({ code: note, lost: 0n })
  for (const code of NOTES) if (counts.seen.has(code) && !listed.some(r => r.code === code)) listed.push({ code, lost: 0n })
  const prior = priors.failureRate, fails = min(counts.failures, 1n << 40n)
  return {
    scheme: 'hourmeter-score/1', policy: digest, evidenceRoot: multibase(rootOf(c.case.model, evidence)), asOf: c.asOf,
    points, meanPpm: ppm(probability(floor(mean, MILLION))), lowPpm: ppm(beta), evidence: n >> 32n,
    completeness: c.case.completeness, dimensions,
    reasons: listed.map(r => ({ ...r, text: TEXTS.get(r.code) })),
    expectedLossBps: ((ONE - beta) * BigInt(policy.lossGivenDefaultBps) + ONE - 1n) / ONE,
    failures: {
      count: fails, upSeconds: counts.up,
      ...fails > 0n && counts.up / fails > 0n && { mtbfSeconds: counts.up / fails },
      ...fails > 0n && counts.repair / fails > 0n && { mttrSeconds: counts.repair / fails },
      perMillionHours: (BigInt(prior.perMillionHours) * BigInt(prior.hours) + fails * MILLION) * 3600n / (BigInt(prior.hours) * 3600n + counts.up),
    },
  }
}

const { policy, cases } = JSON.parse(readFileSync(0, 'utf8'))
const voices = voicesOf(policy), name = multibase(sha256(canonical(policy)))
for (const c of cases) {
  const line = JSON.stringify({ name: c.name, score: score(policy, voices, name, c) }, (_, v) => typeof v === 'bigint' ? Number(v) : v)
  process.stdout.write(line + '\n')
}
