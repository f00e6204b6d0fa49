"use strict";
// The picture of the terminal: 12.2 x 24.4 units a character, its first one at (9, 41), as rich draws it.
const CELL = { width: 12.2, height: 24.4, left: 9, top: 41 };
const screen_ = document.getElementById("screen");
const word = document.getElementById("word");
let socket = null;
let pause = 500;

function say(text) {
  word.textContent = text;
  word.hidden = !text;
}

function tell(what) {
  if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(what));
}

function size() {
  const scale = 0.75; // a character is some 9 pixels wide
  tell({ size: [
    Math.floor((innerWidth / scale - 20) / CELL.width),
    Math.floor((innerHeight / scale - 60) / CELL.height),
  ] });
}

function show(svg) {
  const url = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  const next = new Image();
  next.onload = () => {
    const before = screen_.src;
    screen_.src = url;
    if (before.startsWith("blob:")) URL.revokeObjectURL(before);
  };
  next.src = url;
}

function connect() {
  socket = new WebSocket(`ws://${location.host}/screen`);
  socket.onopen = () => { pause = 500; say(""); size(); };
  socket.onmessage = (event) => show(event.data);
  socket.onclose = () => {
    say("The dashboard has ended, or does not answer: ccmux dashboard --web");
    setTimeout(connect, pause);
    pause = Math.min(pause * 2, 10000);
  };
}

function cell(event) {
  const box = screen_.getBoundingClientRect();
  const scale = screen_.naturalWidth / box.width;
  return [
    Math.floor(((event.clientX - box.left) * scale - CELL.left) / CELL.width),
    Math.floor(((event.clientY - box.top) * scale - CELL.top) / CELL.height),
  ];
}

addEventListener("keydown", (event) => {
  if (event.metaKey || event.altKey || event.isComposing) return;
  if (event.ctrlKey && !"aejkpquwz".includes(event.key.toLowerCase())) return;
  if (event.key.length > 1 && !/^(Enter|Escape|Tab|Backspace|Delete|Home|End|Page(Up|Down)|Arrow(Up|Down|Left|Right))$/.test(event.key)) return;
  event.preventDefault();
  tell({ key: event.key, ctrl: event.ctrlKey, shift: event.shiftKey });
});
addEventListener("paste", (event) => tell({ paste: event.clipboardData.getData("text/plain") }));
screen_.addEventListener("click", (event) => tell({ click: cell(event) }));
screen_.addEventListener("wheel", (event) => tell({ wheel: Math.sign(event.deltaY), at: cell(event) }), { passive: true });
addEventListener("resize", size);
connect();
