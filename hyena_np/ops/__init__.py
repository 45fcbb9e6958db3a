"""The mathematics of the paper: pure functions on arrays, each gradient right below its forward.

The files, in the order of the paper: ``toeplitz`` (Sec. 2), ``fftconv``, ``projection`` (Algorithm 1),
``filters`` (Algorithm 2, eq. (7)), ``hyena`` (Def. 3.1, Algorithm 3), ``special_cases`` (Remark 3.2),
``matrices`` (Sec. 3.2); then ``attention``, the rival, and ``layers``, what a model needs besides.
"""
