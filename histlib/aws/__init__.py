"""What every source on AWS shares: a session that lives as long as its credentials can be renewed, and errors as ours.

session  boto3's session and clients, made from a profile, Region or session; retries; renewed credentials
trouble  botocore's errors as ours: what is wrong with credentials, Region or network, and what to do
"""
