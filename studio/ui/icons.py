"""The icons: one path per name, drawn as strokes on a 24 × 24 grid in the colour of the text around them."""

from studio.core.errors import UnknownName

PATHS = {
    "home": "M4 11.5 12 4l8 7.5M6 10v10h12V10M10 20v-6h4v6",
    "play": "M7 4.5 19 12 7 19.5z",
    "database": "M4 6c0-2.7 16-2.7 16 0v12c0 2.7-16 2.7-16 0zM4 6c0 2.7 16 2.7 16 0M4 12c0 2.7 16 2.7 16 0",
    "tune": "M5 21v-7M5 10V3M12 21v-9M12 8V3M19 21v-5M19 12V3M2.5 14h5M9.5 8h5M16.5 16h5",
    "circle-half": "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 3v18",
    "chart": "M4 4v16h16M7 15l4-5 3.5 3L20 7",
    "list": "M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01",
    "card": "M6 3h8l4 4v14H6zM14 3v4h4M9 12h6M9 16h6",
    "split": "M4 7h6M14 7h6M4 17h10M18 17h2",
    "compress": "M12 3v7M9 7l3 3 3-3M12 21v-7M9 17l3-3 3 3M5 12h14",
    "learn": "M3 8.5 12 4l9 4.5-9 4.5zM7 11v5c2.5 2.7 7.5 2.7 10 0v-5M21 8.5V15",
    "upload": "M12 16V4M7 9l5-5 5 5M4 16v4h16v-4",
    "download": "M12 4v12M7 11l5 5 5-5M4 20h16",
    "scale": "M12 4v16M7 20h10M4 8l8-2 8 2M4 8l-2 6h5zM20 8l-2.5 6H22z",
    "menu": "M4 7h16M4 12h16M4 17h16",
    "close": "M6 6l12 12M18 6 6 18",
    "sun": (
        "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M4 12H2M22 12h-2M5 5l"
        "1.5 1.5M17.5 17.5 19 19M19 5l-1.5 1.5M6.5 17.5 5 19"
    ),
    "moon": "M20 14.5A8.5 8.5 0 1 1 9.5 4a7 7 0 0 0 10.5 10.5z",
    "screen": "M3 5h18v11H3zM9 20h6M12 16v4",
    "user": "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4.5 20c1-7 14-7 15 0",
    "copy": "M9 9h11v11H9zM5 15H4V4h11v1",
    "check": "M5 12.5 10 17.5 19.5 7",
    "help": "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM9.5 9.5c0-3.5 5-3.5 5 0 0 2-2.5 2-2.5 4M12 17h.01",
    "inbox": "M4 13 7 5h10l3 8v6H4zM4 13h5l1 2.5h4l1-2.5h5",
    "spark": "M12 3l2 6.5L20.5 12 14 14.5 12 21l-2-6.5L3.5 12 10 9.5z",
    "text": "M5 6V4h14v2M12 4v16M9 20h6",
    "picture": "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9h.01",
    "sound": "M4 10v4M8 6v12M12 3v18M16 7v10M20 10v4",
    "layers": "M12 3 3 8l9 5 9-5zM3 12.5l9 5 9-5M3 17l9 5 9-5",
    "chevron": "M6 9l6 6 6-6",
    "link": "M10 14l4-4M8.5 11 6 13.5a3.2 3.2 0 0 0 4.5 4.5L13 15.5M11 8.5 13.5 6a3.2 3.2 0 0 1 4.5 4.5L15.5 13",
    "code": "M8 7l-5 5 5 5M16 7l5 5-5 5",
    "settings": (
        "M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM12 3v3M12 18v3M3 12h3M18 12h3M5.6 5"
        ".6l2.2 2.2M16.2 16.2l2.2 2.2M18.4 5.6l-2.2 2.2M7.8 16.2l-2.2 2.2"
    ),
}


def icon(name: str, *, size: int = 18) -> str:
    """An SVG that screen readers pass over; raises `UnknownName`, which lists the known ones."""
    if name not in PATHS:
        raise UnknownName("icon", name, list(PATHS))
    return (
        f'<svg class="icon" width="{size}" height="{size}" viewBox="0 0 24 24" aria-hidden="true">'
        f'<path d="{PATHS[name]}"/></svg>'
    )
