"""How Sphinx builds the site. Run by ``python docs/build.py``, which lays out the pages first.

Nothing in a built page is loaded from elsewhere: MathJax, fonts and icons are copied into the site.
"""

import hyena_np

project = "hyena_np"
author = "The hyena_np developers"
project_copyright = author
version = release = hyena_np.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "numpydoc",
]
exclude_patterns = ["**.ipynb_checkpoints"]
nitpicky = True

# A word in single backticks of a docstring links to the object of that name, where there is one.
default_role = "py:obj"
nitpick_ignore_regex = [("py:obj", r".*")]

# --- docstrings ---------------------------------------------------------------------------------------------
autodoc_typehints = "none"  # the docstrings say types and shapes
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
# What would make a page wrong or hard to read; the house rules for docstrings are in tests/test_project.py.
numpydoc_validation_checks = {"GL06", "GL07", "PR02", "PR10"}
numpydoc_validation_exclude = {r"\.config_from_dict$"}  # its argument is named cls

# --- Markdown and notebooks ---------------------------------------------------------------------------------
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "deflist"]
myst_heading_anchors = 4
myst_url_schemes = ["http", "https", "mailto"]
# The notebooks come with their outputs: what is shown is what was committed and reviewed.
nb_execution_mode = "off"
nb_ipywidgets_js = {}
nb_mime_priority_overrides = [("html", "image/png", 0)]  # a slider's picture: there is no kernel here
nb_merge_streams = True

# --- mathematics --------------------------------------------------------------------------------------------
mathjax_path = "mathjax/tex-svg.js"
mathjax3_config = {
    "options": {"enableMenu": False},  # its settings would load further files
    "svg": {"fontCache": "global"},
    "tex": {"tags": "none"},
}

# --- looks --------------------------------------------------------------------------------------------------
html_theme = "pydata_sphinx_theme"
html_title = "hyena_np"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_context = {"default_mode": "auto"}
html_theme_options = {
    "logo": {"text": "hyena_np"},
    "navbar_end": ["theme-switcher"],
    "navbar_persistent": ["search-button"],
    "navbar_align": "left",
    "header_links_before_dropdown": 8,
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}
