where => {
  // What reaches beyond its window, scrolls sideways, is cut off, or is written too faintly, there or in the open dialog, else the panel.
  const said = new Set()
  const box = where ? document.querySelector(where) : document.querySelector('[role=dialog]') || document.querySelector('[data-cy=panel-content-latentdiff_panel]')
  if (!box) return []
  const edge = Math.max(innerWidth, document.getElementById('root')?.getBoundingClientRect().right ?? 0)  // the App is never under 660 wide
  const numbers = colour => (colour.match(/[\d.]+/g) || []).map(Number)
  const over = (top, under) => { const a = top[3] ?? 1; return [0, 1, 2].map(i => top[i] * a + under[i] * (1 - a)) }
  const light = c => { const [r, g, b] = c.map(v => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4 })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b }
  const behind = e => { const all = []
    for (; e; e = e.parentElement) { const c = numbers(getComputedStyle(e).backgroundColor); if (c.length > 2 && (c[3] ?? 1) > 0) { all.push(c); if ((c[3] ?? 1) === 1) break } }
    return all.reverse().reduce((under, c) => over(c, under), [255, 255, 255]) }
  for (const e of box.querySelectorAll('*')) {
    const style = getComputedStyle(e), at = e.getBoundingClientRect()
    if (!at.width || !at.height || style.visibility === 'hidden' || e.closest('[data-cy=looker]')) continue
    const text = [...e.childNodes].filter(n => n.nodeType === 3).map(n => n.textContent.trim()).join(' ').trim()
    const short = (e.innerText || e.className || e.tagName).toString().slice(0, 50).replaceAll('\n', ' ')
    if (['auto', 'scroll'].includes(style.overflowX) && e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 30) said.add(`scrolls sideways: ${short}`)
    if (text && at.right > edge + 1) said.add(`beyond the window: ${short}`)
    if (text && style.overflowX === 'hidden' && e.scrollWidth > e.clientWidth + 1) said.add(`cut off: ${short}`)
    if (!text || e.closest('svg, legend, .MuiButton-contained')) continue  // the last are as FiftyOne draws them
    let opacity = 1
    for (let up = e; up; up = up.parentElement) opacity *= +getComputedStyle(up).opacity
    const back = behind(e), colour = numbers(style.color)
    const ink = over([...colour.slice(0, 3), (colour[3] ?? 1) * opacity], back)
    const [a, b] = [light(ink), light(back)].sort((x, y) => y - x), ratio = (a + 0.05) / (b + 0.05)
    const needed = parseFloat(style.fontSize) >= 18.66 ? 3 : 4.5
    if (ratio < needed) said.add(`faint ${ratio.toFixed(1)}: ${text.slice(0, 40)} (${style.fontSize}${e.disabled || e.closest('[disabled]') ? ', disabled' : ''})`)
  }
  return [...said]
}
